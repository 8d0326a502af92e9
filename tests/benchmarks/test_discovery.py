from benchmarks.discovery import means
from lineament.detectors.discovery import Settings


def test_means_are_over_parts_and_shares_over_clusters():
    row = dict.fromkeys(("nmi", "nmi_unseen", "nmi_moved", "nmi_kmeans", "purity", "majority", "seconds"), 0.5)
    rows = [row | {"explained": 10, "explained_moved": 0}, row | {"explained": 5, "explained_moved": 1, "nmi": 0.1}]
    found = means(rows, Settings())
    assert found["explained"] == 0.75 and found["explained_moved"] == 0.05 and found["nmi"] == 0.3
