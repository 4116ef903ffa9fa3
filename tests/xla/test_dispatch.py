"""The registry of conversions."""

from kfkd.xla import dispatch


def test_every_conversion_has_a_name_of_its_own():
    made = {
        function
        for function, *_ in dispatch._registered.values()
        if function.__module__.startswith("kfkd.xla.ops.")
    }
    names = {(f.__module__, f.__name__) for f in made}
    assert len(names) == len(made) > 100
    assert all(name.startswith("convert_") for _, name in names)
