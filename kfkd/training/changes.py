"""Differences between two trainings, in words."""

from kfkd.training.fingerprint import differences

__all__ = ["changes"]


def changes(before, now):
    """Return what differs between two definitions from ``state.definition``.

    Such as ``["update_momentum was 0.9, is 0.8"]``.
    """
    found = {name: pair for name, *pair in differences(before, now)}
    if "epochs" in found:
        found.pop("max_epochs", None)  # from which these follow, unless `fit` got them
        (first, last), (first_now, last_now) = found.pop("epochs")
        if first != first_now:
            found["the number of epochs trained before"] = first, first_now
        if last - first != last_now - first_now:
            found["the number of epochs"] = last - first, last_now - first_now
    others = found.pop("initial weights", None)
    texts = []
    for name, pair in found.items():
        first, _, rest = name.partition(".")
        if first == "layers":
            texts += _layer(rest, pair, found)
        else:
            texts.append(_changed(_subject(name, now), pair))
    # Other initial weights follow from other differences, if there are any.
    return texts or (["the initial weights differ"] if others else [])


def _layer(name, pair, found):
    """Return what differs in a layer, unless the net's parameter says it already."""
    layer, _, rest = name.partition(".")
    if not rest and None in pair:
        return [f"the layer {layer!r} is {'new' if pair[0] is None else 'missing'}"]
    if rest and f"{layer}_{rest}" in found:
        return []
    return [_changed(f"{rest} of the layer {layer!r}".removeprefix(" of "), pair)]


def _subject(name, now):
    """Return a path into a definition in words."""
    thing, _, rest = name.partition(".")
    if thing.startswith("callbacks["):
        index = int(thing.removeprefix("callbacks[").removesuffix("]"))
        kind = _shown(now["callbacks"][index])
        thing = f"the callback {kind}" if rest else f"callback {index + 1}"
    elif thing == "callbacks":
        thing = "the list of callbacks"
    return f"{rest} of {thing}" if rest else thing


def _changed(subject, pair):
    was, is_now = map(_shown, pair)
    return f"{subject} was {was}, is {is_now}"


def _shown(value):
    """Return a described value, an object as the name of its class."""
    if isinstance(value, dict) and "class" in value:
        return _shown(value["class"])
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, str):
        module, _, name = value.rpartition(".")
        return name if module.replace(".", "").isidentifier() else repr(value)
    return repr(value)
