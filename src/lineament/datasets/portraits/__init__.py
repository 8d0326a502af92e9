"""Rendered faces with known truth: people, attributes with style, sessions, cameras, and true counterfactuals."""

from lineament.datasets.portraits.attributes import ATTRIBUTES as ATTRIBUTES
from lineament.datasets.portraits.attributes import REGIONAL as REGIONAL
from lineament.datasets.portraits.dataset import portraits as portraits
from lineament.datasets.portraits.layout import LANDMARKS as LANDMARKS
from lineament.datasets.portraits.person import Person as Person
from lineament.datasets.portraits.picture import landmarks as landmarks
from lineament.datasets.portraits.picture import masks as masks
from lineament.datasets.portraits.picture import render as render
from lineament.datasets.portraits.sampling import sample_scene as sample_scene
from lineament.datasets.portraits.scene import Camera as Camera
from lineament.datasets.portraits.scene import Expression as Expression
from lineament.datasets.portraits.scene import Scene as Scene
from lineament.datasets.portraits.scene import Session as Session
from lineament.datasets.portraits.scene import Wear as Wear
from lineament.datasets.portraits.scene import counterfactual as counterfactual
from lineament.datasets.portraits.scene import labels as labels
from lineament.datasets.portraits.scene import parameters as parameters
from lineament.datasets.portraits.tossed import STYLE as STYLE
from lineament.datasets.portraits.tossed import tossed as tossed
