# What the real Optuna makes of a journal that was written here, and a continuation of it. Prints one JSON object.
#   continue_study.py JOURNAL NAME TRIALS     opens, plots, runs TRIALS more and enqueues one
import json
import sys
import warnings

warnings.filterwarnings("ignore")
import optuna  # noqa: E402

optuna.logging.set_verbosity(optuna.logging.WARNING)
path, name, trials = sys.argv[1], sys.argv[2], int(sys.argv[3])
storage = optuna.storages.JournalStorage(optuna.storages.JournalFileStorage(path))
study = optuna.load_study(study_name=name, storage=storage, sampler=optuna.samplers.TPESampler(seed=1))


def seen(study):
    return [
        {
            "number": t.number,
            "state": t.state.name.lower().replace("fail", "failed"),
            "value": t.value,
            "params": t.params,
            "reports": {str(k): v for k, v in t.intermediate_values.items()},
        }
        for t in study.trials
    ]


def plots(study):
    """The numbers behind Optuna's plots, which need neither matplotlib nor plotly; with matplotlib they are drawn, too."""
    from optuna.visualization import _intermediate_values, _optimization_history, _parallel_coordinate

    if optuna.visualization.matplotlib.is_available():
        optuna.visualization.matplotlib.plot_optimization_history(study)
        optuna.visualization.matplotlib.plot_parallel_coordinate(study)
        optuna.visualization.matplotlib.plot_intermediate_values(study)
    history = _optimization_history._get_optimization_history_info_list(study, None, "value", False)[0]
    coordinates = _parallel_coordinate._get_parallel_coordinate_info(study)
    curves = _intermediate_values._get_intermediate_plot_info(study).trial_infos
    return {
        "best": history.best_values_info.values[-1],
        "coordinates": [d.label for d in coordinates.dims_params],
        "curves": {t.trial_number: [v for _, v in t.sorted_intermediate_values] for t in curves},
    }


before = seen(study)


def objective(trial):
    lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    layers = trial.suggest_int("layers", 1, 6)
    if trial.suggest_categorical("optimizer", ["sgd", "adamw"]) == "sgd":
        trial.suggest_float("momentum", 0.5, 0.9, step=0.1)
    trial.report(lr, 1)
    return -abs(lr - 0.001) - layers


if trials:
    study.optimize(objective, n_trials=trials)
    study.enqueue_trial({"lr": 0.01, "layers": 2, "optimizer": "adamw"})
importance = optuna.importance.get_param_importances(study, params=["lr", "layers", "optimizer"]) if trials else {}
print(json.dumps({"before": before, "after": seen(study), "best": study.best_trial.number, "importance": importance, "plots": plots(study)}))
