"""lineament trains, deploys and audits image-attribute detectors.

>>> import lineament
>>> lineament.__version__
'0.1.0'
"""

__version__ = "0.1.0"
