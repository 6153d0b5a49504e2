"""Tissue models that are ready to be fitted, kept for the next curve: tabulating one takes longer than fitting a voxel to it."""

from collections import OrderedDict

from .input_table import input_fingerprint, input_function

__all__ = ["plasma_curve", "prepared_model"]

_BEYOND_S = 60.0
"""Inputs are known this much beyond the last image: tissue may be ahead of them."""

_MOST = 6
_kept: OrderedDict[tuple, object] = OrderedDict()


def prepared_model(input_node, portal_node, time_s, model: str, delay_s, portal_delay_s):
    """Return :class:`~HCCResponseLib.quantification.pharmacokinetics.PreparedFit` of a model with the inputs of tables.

    :param time_s: image times [s].
    :raises InputError: the inputs, the model or the delays cannot be used.
    """
    from ..quantification.pharmacokinetics import prepare_fit

    def make():
        arterial = plasma_curve(input_node, time_s)
        options = {} if portal_node is None else dict(pvf=plasma_curve(portal_node, time_s), portal_delay_s=portal_delay_s)
        return prepare_fit(time_s, arterial, model=model, delay_s=delay_s, standard_errors=False, **options)

    portal = None if portal_node is None else (input_fingerprint(portal_node), _hashable(portal_delay_s))
    return _known((input_fingerprint(input_node), portal, time_s.tobytes(), model, _hashable(delay_s)), make)


def plasma_curve(input_node, time_s):
    """Return the input of a table in the form that fits and curves use it in, constant after its last sample.

    :raises InputError: the table is no usable input.
    """
    from ..quantification.pharmacokinetics.input_function import InputFunction

    function = input_function(input_node)
    start, last = min(0.0, float(time_s[0])), float(time_s[-1]) + _BEYOND_S

    def curve(at):
        return function(at.clip(max=function.time_s[-1]))

    return _known((input_fingerprint(input_node), start, last), lambda: InputFunction(curve, start, last))


def _known(key: tuple, make):
    if key in _kept:
        _kept.move_to_end(key)
    else:
        _kept[key] = make()
        if len(_kept) > _MOST:
            _kept.popitem(last=False)
    return _kept[key]


def _hashable(delay):
    return tuple(float(one) for one in delay) if hasattr(delay, "__len__") else delay
