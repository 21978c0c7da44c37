"""A page in Chinese: texts of the catalogue, names as they are, nothing that runs."""

import re

import pytest

from stages.pages.translation import missing_texts, translated

IN_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def chinese(body: str) -> str:
    return translated(f'<html lang="en"><main>{body}</main></html>', "zh").partition("<main>")[2]


def test_english_is_what_stages_wrote():
    assert translated("<p>Report</p>", "en") == "<p>Report</p>"


def test_the_page_says_its_language():
    assert translated('<html lang="en"><p>Report</p>', "zh") == '<html lang="zh"><p>报告</p>'


@pytest.mark.parametrize(
    ("english", "expected"),
    [
        ("Confusion matrix", "混淆矩阵"),
        ("  macro recall\n", "  宏平均召回率\n"),
        ("Macro recall", "宏平均召回率"),
        ("12 photos", "12 张图片"),
        ("It has no label", "没有标签"),
        ("no label.", "没有标签。"),
        (
            "F1 is 50 % (40 to 60 %): surely below the gate of 55 %",
            "F1 为 50 %（40 至 60 %）：确定低于最低要求 55 %",
        ),
        (
            "Boxes were made around 3 polygons in 2 files ('a').",
            "2 个文件（'a'）：由 3 个多边形生成外接框。",
        ),
        ("'cat' has 3, 2 too few", "“cat”有 3 个，还缺 2 个"),
        (
            "Recall of 'cat' is 88.4 % (85.1 to 91.2 %): surely below the gate of 95 %.",
            "“cat”的召回率为 88.4 %（85.1 至 91.2 %）：确定低于最低要求 95 %。",
        ),
        (
            "The test photos differ from those of training. What differs most: less brightness, "
            "more width in pixels in the test.",
            "测试样本与训练样本不同。差别最大的是：测试集中更少的亮度、更多的宽度（像素）。",
        ),
    ],
)
def test_a_text_is_looked_up_with_its_values(english, expected):
    assert chinese(f"<p>{english}</p>") == f"<p>{expected}</p></main></html>"


def test_a_label_called_like_a_word_of_the_catalogue_keeps_its_name():
    page = '<h3 translate="no"><b>Report</b> Data</h3><p title="Labels" translate="no">no</p>'

    assert chinese(page).startswith(page)
    assert "“Report”的召回率" in chinese("<p>Recall of 'Report'</p>")


def test_a_part_of_what_is_a_name_can_be_a_text():
    page = '<td title="Data" translate="no"><div translate="yes">test</div>test</td><td>test</td>'

    expected = '<td title="Data" translate="no"><div translate="yes">测试集</div>test</td>'
    assert chinese(page).startswith(f"{expected}<td>测试集</td>")


def test_what_is_unknown_stays_english_says_so_and_is_found():
    page = "<p>Nobody wrote this in Chinese.</p><svg><text>Nor this one</text></svg>"

    assert '<p><span lang="en">Nobody wrote this in Chinese.</span></p>' in chinese(page)
    assert "<text>Nor this one</text>" in chinese(page)
    assert missing_texts(page, "zh") == ["Nobody wrote this in Chinese.", "Nor this one"]


@pytest.mark.parametrize("label", ["<script>alert(1)</script>", "a & b", "&lt;b&gt;", "\"'>"])
def test_a_label_cannot_become_markup(label):
    escaped = re.sub("[&<>\"']", lambda found: f"&#{ord(found[0])};", label)
    page = f'<p title="Recall of &#39;{escaped}&#39;">recall of &#39;{escaped}&#39;</p>'

    text = chinese(page)

    assert "召回率" in text
    assert re.findall("<[^<>]*>", text)[1:] == ["</p>", "</main>", "</html>"]
    assert text.count("<") == 4


def test_a_label_full_of_sentences_takes_no_time():
    for label in ("' is taken for '" * 350, "x. A is B: " * 29, "x. A is B: " * 20_000):
        assert "is" in chinese(f"<p>'{label}' is 5</p>")


def test_everything_but_texts_stays_as_it_is():
    page = (
        '<style>p::before { content:"Report" }</style><!-- Report -->'
        '<p class="Report" id="Data">Data<br>Report<img src="data:Report" alt="Enlarge"></p>'
    )

    text = chinese(page)

    unchanged = (
        re.sub(r'alt="[^"]*"', "", page).replace(">Data<", "><").replace(">Report<img", "><img")
    )
    shown = re.sub(r'alt="[^"]*"', "", text).replace("数据", "").replace("报告", "")
    assert shown == unchanged + "</main></html>"
    assert 'alt="放大"' in text


def test_marks_of_two_sentences_are_not_doubled():
    text = chinese("<p>No shift was found. Nobody wrote this. It has no label.</p>")

    assert text.startswith("<p>未发现分布偏移。Nobody wrote this. 没有标签。</p>")
    assert IN_CHINESE.search(text)
