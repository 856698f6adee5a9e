# The five functions of `tune compare`, searched by Optuna with its default TPE (of 3.1.0: one parameter at a time; `joint`:
# multivariate). Prints a line a search, `function seed value`.
#   functions.py TRIALS SEEDS [joint]
import math
import sys
import warnings

warnings.filterwarnings("ignore")
import optuna  # noqa: E402

optuna.logging.set_verbosity(optuna.logging.ERROR)


def branin(t):
    a, b = t.suggest_float("x0", -5, 10), t.suggest_float("x1", 0, 15)
    q = b - 5.1 / (4 * math.pi**2) * a * a + 5 / math.pi * a - 6
    return q * q + 10 * (1 - 1 / (8 * math.pi)) * math.cos(a) + 10


def hartmann6(t):
    alpha = [1, 1.2, 3, 3.2]
    A = [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
    P = [
        [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
        [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
        [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
        [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
    ]
    x = [t.suggest_float(f"x{i}", 0, 1) for i in range(6)]
    return -sum(alpha[i] * math.exp(-sum(A[i][j] * (x[j] - P[i][j]) ** 2 for j in range(6))) for i in range(4))


def ackley5(t):
    z = [t.suggest_float(f"x{i}", -5, 10) - 1.7 for i in range(5)]
    squares, waves = sum(v * v for v in z) / 5, sum(math.cos(2 * math.pi * v) for v in z) / 5
    return -20 * math.exp(-0.2 * math.sqrt(squares)) - math.exp(waves) + 20 + math.e


def conditional(t):
    if t.suggest_categorical("way", ["one", "two"]) == "one":
        return abs(math.log10(t.suggest_float("rate", 1e-5, 1, log=True)) + 2.3) + 0.4
    a, b = t.suggest_float("left", 0, 1) - 0.31, t.suggest_float("right", 0, 1) - 0.82
    return 4 * math.sqrt(a * a + b * b)


def training(t):
    rate = math.log10(t.suggest_float("rate", 1e-5, 1e-1, log=True)) + 3.1
    width = math.log2(t.suggest_int("width", 16, 512, step=16) / 96)
    layers = t.suggest_int("layers", 1, 8) - 4
    dropout = t.suggest_float("dropout", 0, 0.6) - 0.15
    optimizer = t.suggest_categorical("optimizer", ["adamw", "muon", "sgd"])
    rate -= 0.3 * (optimizer == "muon")
    worse = {"adamw": 0, "muon": 0.05, "sgd": 0.2}[optimizer]
    return 0.3 * rate * rate + 0.06 * width * width + 0.02 * layers * layers + 2 * dropout * dropout + worse


trials, seeds = int(sys.argv[1]), int(sys.argv[2])
for f in (branin, hartmann6, ackley5, conditional, training):
    for seed in range(1, seeds + 1):
        sampler = optuna.samplers.TPESampler(seed=seed, multivariate="joint" in sys.argv[3:])
        study = optuna.create_study(sampler=sampler)
        study.optimize(f, n_trials=trials)
        print(f.__name__, seed, repr(study.best_value), flush=True)
