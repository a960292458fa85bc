"""Symbols that the formulas of many losses share, in LaTeX, with their meanings."""

LOSS = {r"\mathcal{L}": "the loss of a batch"}
BATCH = LOSS | {"B": "pictures in the batch"}
COSINE = {r"s_{ij}": "cosine similarity of pictures i and j, 1 for the same direction"}
DISTANCE = {r"d_{ij}": "Euclidean distance of pictures i and j on the unit sphere, 0 to 2"}
POSITIVES = {r"P_i": "the other pictures of picture i's class in the batch"}
NEGATIVES = {r"N_i": "the pictures of other classes in the batch"}
POSITIVE_PAIRS = {r"\mathcal{P}": "pairs of pictures of one class in the batch"}
HINGE = {r"[x]_+": "x where it is positive, else 0: what is well placed costs nothing"}
PICTURE = {r"x_i": "the embedding of picture i, scaled to length 1"}
CLASS = {r"y_i": "the class of picture i", "C": "classes of the training set"}
PROXY = {r"p_c": "the proxy of class c: a learned point of the same space, scaled to length 1"}
SIGMOID = {r"\sigma_\tau(x)": "a soft step from 0 to 1: 1 / (1 + exp(-x / tau))"}
