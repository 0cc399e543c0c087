"""Base of all models: parameters, what a training leaves behind after an error, and checks."""

import inspect
from functools import lru_cache, wraps

from fastsgd._constraints import check_parameters
from fastsgd._interrupts import orderly, whole
from fastsgd.errors import NotConvergedWarning, NotFittedError
from fastsgd.models import validation


class Unchanged:
    """Puts a model's attributes back after an error; Ctrl-C keeps work begun."""

    def __init__(self, model):
        self._model, self._before = model, dict(model.__dict__)

    def __enter__(self):
        pass

    @whole
    def __exit__(self, kind, error, trace):
        self.put_back(error)

    def put_back(self, error):
        """Puts the attributes back if this is an error."""
        if error is None:
            return
        now = self._model.__dict__
        kept = now.get("_states") is not self._before.get("_states")
        if isinstance(error, Exception) or not kept:
            now.clear()
            now.update(self._before)


def trains(method):
    """Makes a method one that trains: parameters are checked first.

    An error in it leaves the model as it was before; Ctrl-C keeps work begun, and no second
    interrupt gets in the way of that.
    """

    @orderly
    @wraps(method)
    def guarded(self, *args, **kwargs):
        with self._unchanged(self):
            return self._checked(method)(self, *args, **kwargs)

    return guarded


@lru_cache(16)
def _names_of(cls):
    names = inspect.signature(cls.__init__).parameters
    return sorted(name for name in names if name != "self")


class Model:
    """Model with parameters, as scikit-learn has them, but without scikit-learn.

    An estimator inherits of a model, and has scikit-learn's own methods in place of these
    (`fastsgd.estimators.base`).

    Attributes
    ----------
    constraints : dict
        Allowed values by parameter, see `fastsgd._constraints`.
    model_name : str
        Name of the estimator, which users know, and model files hold.
    family : {'linear', 'mlp'}
    classifies : bool
        Whether it answers classes, not numbers.
    gives_probability : bool
        Whether there is `predict_proba`.
    """

    constraints: dict = {}
    model_name: str
    family: str
    classifies: bool
    gives_probability = False

    _not_converged = NotConvergedWarning
    """Category of the warning of a training that has not come to rest."""

    _unchanged = Unchanged
    """Guard that keeps the model as it is where a training fails."""

    @classmethod
    def _get_param_names(cls):
        return _names_of(cls)

    def get_params(self, deep=True):
        """Parameters by name."""
        return {name: getattr(self, name) for name in self._get_param_names()}

    def set_params(self, **params):
        """Sets parameters.

        Raises
        ------
        ValueError
            There is no parameter of that name.
        """
        for name in params:
            if name not in self._get_param_names():
                raise ValueError(f"Invalid parameter {name!r} for {self.model_name}; valid are "
                                 + ", ".join(self._get_param_names()))
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def _validate_params(self):
        check_parameters(self.model_name, self.constraints, self.get_params(deep=False))

    def _checked(self, method):
        """A method that trains, once the parameters are found valid."""
        self._validate_params()
        return method

    def _check_fitted(self, before=None):
        """Raises NotFittedError unless the model was trained; `before` is what it is to do."""
        if not any(name.endswith("_") and not name.startswith("_") for name in vars(self)):
            raise NotFittedError(
                f"This {self.model_name} must be fitted before {before or 'it is used'}")

    _validated = validation.validated
    """``_validated(X, y, ...)``: X and y with types and shapes that the kernels take."""

    _validated_weights = staticmethod(validation.validated_weights)
    """``_validated_weights(sample_weight, X, ...)``: float64 ndarray of shape (n_rows,)."""

    _check_continuous = staticmethod(validation.refuse_numbers)
    """``_check_continuous(y)``: an error where a y of classes has other numbers."""
