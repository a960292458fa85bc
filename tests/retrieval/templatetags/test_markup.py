from retrieval.templatetags.markup import code


def test_what_stands_in_backticks_is_code() -> None:
    assert code("`a.txt` with `b/`") == "<code>a.txt</code> with <code>b/</code>"


def test_everything_is_escaped() -> None:
    assert code("`<b>` & <i>") == "<code>&lt;b&gt;</code> &amp; &lt;i&gt;"
    assert code("one ` alone") == "one ` alone"
