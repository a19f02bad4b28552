"""The order of tests over two processes: what takes longest comes first, and rooms with a costly fixture stay whole."""

from pathlib import Path

from tests.conftest import LONGEST, ROOT, together


def test_what_comes_first_is_there_and_stays_together():
    for name in LONGEST:
        assert Path(ROOT, name).exists(), name
        assert name in {together(f"{name}::test"), together(f"{name}/test_any.py::test")}


def test_rooms_with_a_costly_fixture_are_not_divided():
    for folder in ("tests/site", "tests/classroom"):
        assert {together(f"{folder}/test_{name}.py::test[a::b]") for name in ("grade", "pages")} == {folder}
    assert together("tests/exam/test_check.py::test_one") != together("tests/exam/test_errors.py::test_one")


def test_collected_tests_are_in_that_order(request):
    scopes = list(dict.fromkeys(together(item.nodeid) for item in request.session.items))
    assert len(scopes) == len({together(item.nodeid) for item in request.session.items})
    places = [LONGEST.index(scope) for scope in scopes if scope in LONGEST]
    assert places == sorted(places)
    assert all(scope in LONGEST for scope in scopes[: len(places)])
