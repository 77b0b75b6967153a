"""The judge of .ci/full: what no stage ran is found, whatever else was skipped somewhere."""
from tests.tools.skipped_everywhere import never_run

FIRST = """<testsuites><testsuite><testcase classname="tests.a" name="one"/>
<testcase classname="tests.a" name="two"><skipped type="pytest.skip" message="no gcc"/></testcase>
<testcase classname="" name="tests.torch_only"><skipped type="pytest.skip" message="no torch"/></testcase>
<testcase classname="tests.a" name="known"><skipped type="pytest.xfail" message="known"/></testcase>
<testcase classname="tests.a" name="three"><skipped type="pytest.skip" message="no data"/></testcase>
</testsuite></testsuites>"""
SECOND = """<testsuites><testsuite><testcase classname="tests.torch_only" name="x"/>
<testcase classname="tests.a" name="two"/>
<testcase classname="tests.a" name="three"><skipped type="pytest.skip" message="no data"/></testcase>
</testsuite></testsuites>"""


def test_what_no_stage_ran_is_named(tmp_path):
    for name, text in (("first.xml", FIRST), ("second.xml", SECOND)):
        (tmp_path / name).write_text(text, "utf-8")
    assert never_run([tmp_path / "first.xml"]).keys() == {"tests.a.two", "tests.a.three", "tests.torch_only"}
    assert never_run([tmp_path / "first.xml", tmp_path / "second.xml"]) == {"tests.a.three": "no data"}
