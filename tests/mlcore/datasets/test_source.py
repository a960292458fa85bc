"""Order and names, the same on every machine."""

from mlcore.datasets.source import natural_key, path_key, printable, readable_class


def test_numbers_sort_by_value_and_case_does_not_matter() -> None:
    names = ["item 10", "Item 2", "item 1", "b", "A"]
    assert sorted(names, key=natural_key) == ["A", "b", "item 1", "Item 2", "item 10"]


def test_names_that_differ_in_case_or_zeros_only_keep_one_order() -> None:
    for names in (["a", "A"], ["7", "07", "007"]):
        assert sorted(names, key=natural_key) == sorted(reversed(names), key=natural_key)


def test_number_of_thousands_of_digits_sorts() -> None:
    assert natural_key("9" * 10_000) < natural_key("1" + "0" * 10_000)


def test_digits_that_are_not_ascii_sort() -> None:
    assert sorted(["x²", "x١", "x1"], key=natural_key)[0] == "x1"


def test_paths_sort_folder_by_folder() -> None:
    assert sorted(["a b/1", "a/10", "a/9"], key=path_key) == ["a/9", "a/10", "a b/1"]


def test_benchmark_folders_become_readable() -> None:
    assert readable_class("002.Acura_RL_Sedan_2012") == "Acura RL Sedan 2012"
    assert readable_class("007.") == "007."


def test_name_that_is_not_utf8_becomes_storable() -> None:
    assert printable(b"caf\xe9".decode("utf-8", "surrogateescape")) == "caf?"
