"""Properties of XMP packets."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipfake.metadata.xmp import MAX_ELEMENTS, MAX_VALUE, read_xmp
from tests.metadata.pieces import AI_TYPE, packet

TOOL = "http://ns.adobe.com/xap/1.0/ CreatorTool"
TYPE = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/ DigitalSourceType"
DESCRIPTION = "http://purl.org/dc/elements/1.1/ description"
CREATOR = "http://purl.org/dc/elements/1.1/ creator"
EVENT = "http://ns.adobe.com/xap/1.0/ Event"


@pytest.mark.parametrize(
    "data",
    [
        packet(attributes='xmp:CreatorTool="a tool"'),
        packet("<xmp:CreatorTool>a tool</xmp:CreatorTool>"),
        packet("<xmp:CreatorTool>\n  a tool\n</xmp:CreatorTool>"),
        packet("<xmp:CreatorTool><![CDATA[a tool]]></xmp:CreatorTool>"),
        packet("<xmp:CreatorTool>a&#32;tool</xmp:CreatorTool>"),
        packet("<xmp:CreatorTool><rdf:value>a tool</rdf:value></xmp:CreatorTool>"),
    ],
)
def test_a_simple_property_is_read_however_written(data: bytes) -> None:
    assert read_xmp(data) == {TOOL: ["a tool"]}


@pytest.mark.parametrize(
    "elements",
    [
        f'<Iptc4xmpExt:DigitalSourceType rdf:resource="{AI_TYPE}"/>',
        f"<Iptc4xmpExt:DigitalSourceType>{AI_TYPE}</Iptc4xmpExt:DigitalSourceType>",
    ],
)
def test_a_uri_is_a_value(elements: str) -> None:
    assert read_xmp(packet(elements)) == {TYPE: [AI_TYPE]}


def test_names_are_told_by_namespace_not_by_prefix() -> None:
    data = packet('<q:CreatorTool xmlns:q="http://ns.adobe.com/xap/1.0/">a tool</q:CreatorTool>')
    assert read_xmp(data) == {TOOL: ["a tool"]}
    data = packet('<xmp:CreatorTool xmlns:xmp="http://ns.example.com/">a tool</xmp:CreatorTool>')
    assert TOOL not in read_xmp(data)


@pytest.mark.parametrize("kind", ["Bag", "Seq", "Alt"])
def test_values_of_an_array_stand_one_by_one(kind: str) -> None:
    items = '<rdf:li xml:lang="x-default">one</rdf:li><rdf:li>two</rdf:li>'
    data = packet(f"<dc:creator><rdf:{kind}>{items}</rdf:{kind}></dc:creator>")
    assert read_xmp(data) == {CREATOR: ["one", "two"]}


@pytest.mark.parametrize(
    "inner",
    [
        '<xmp:Event rdf:parseType="Resource"><dc:creator>one</dc:creator></xmp:Event>',
        '<xmp:Event><rdf:Description dc:creator="one"/></xmp:Event>',
        "<xmp:Event><rdf:Description><dc:creator>one</dc:creator></rdf:Description></xmp:Event>",
        '<xmp:Event dc:creator="one"/>',
        '<xmp:Event><rdf:Seq><rdf:li dc:creator="one"/></rdf:Seq></xmp:Event>',
    ],
)
def test_fields_of_a_structure_are_not_top_properties(inner: str) -> None:
    assert read_xmp(packet(inner)) == {f"{EVENT}/{CREATOR}": ["one"]}


def test_several_descriptions_are_read_together() -> None:
    one = packet(attributes='xmp:CreatorTool="a tool"').decode()
    space = 'xmlns:dc="http://purl.org/dc/elements/1.1/"'
    second = f'<rdf:Description rdf:about="" {space} dc:description="words"/></rdf:RDF>'
    two = one.replace("</rdf:RDF>", second).encode()
    assert read_xmp(two) == {TOOL: ["a tool"], DESCRIPTION: ["words"]}


def test_a_packet_may_lack_its_wrapper_and_have_padding() -> None:
    data = packet(attributes='xmp:CreatorTool="a tool"')
    bare = data[data.index(b"<rdf:RDF") : data.index(b"</x:xmpmeta>")]
    for each in (bare, b"\0\0 \n" + bare + b" " * 2000 + b"\0", b"\xef\xbb\xbf" + bare):
        assert read_xmp(each) == {TOOL: ["a tool"]}


def test_properties_outside_of_rdf_do_not_count() -> None:
    outside = '<x xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="a tool"/>'
    assert read_xmp(outside.encode()) == {}
    deep = packet(attributes='xmp:CreatorTool="a tool"').decode()
    deep = "<a><b>" + deep[deep.index("<x:") : deep.index("\n<?xpacket")] + "</b></a>"
    assert read_xmp(deep.encode()) == {}


def test_a_description_inside_a_value_adds_no_properties() -> None:
    inner = '<dc:creator><rdf:RDF><rdf:Description xmp:CreatorTool="x"/></rdf:RDF></dc:creator>'
    assert TOOL not in read_xmp(packet(inner))


def test_words_between_elements_have_no_name() -> None:
    assert read_xmp(packet("stray words<xmp:CreatorTool>a tool</xmp:CreatorTool>")) == {
        TOOL: ["a tool"]
    }


def test_long_values_of_many_lines_are_whole() -> None:
    text = "\n".join(f"line {number} " + "x" * 200 for number in range(100))
    data = packet(f"<dc:description>{text}</dc:description>")
    assert read_xmp(data) == {DESCRIPTION: [text]}
    entities = "".join(f"&#{65 + number % 26};" for number in range(2000)) + "y" * 500
    (found,) = read_xmp(packet(f"<dc:description>{entities}</dc:description>"))[DESCRIPTION]
    assert len(found) == 2500


def test_no_value_is_endless() -> None:
    endless = "x" * (2 * MAX_VALUE)
    for data in (
        packet(f"<dc:description>{endless}</dc:description>"),
        packet(attributes=f'dc:description="{endless}"'),
    ):
        assert read_xmp(data) == {DESCRIPTION: ["x" * MAX_VALUE]}


def test_no_array_is_endless() -> None:
    items = "<rdf:li>x</rdf:li>" * 1000
    data = packet(f"<dc:creator><rdf:Bag>{items}</rdf:Bag></dc:creator>")
    assert len(read_xmp(data)[CREATOR]) == 100


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not well-formed"),
        (b"no xml at all", "not well-formed"),
        (b"<a><b></a>", "not well-formed"),
        (b"<a b=1/>", "not well-formed"),
        (b"<a>\xff</a>", "not well-formed"),
        (b'<a xmlns:q="u"><r:b/></a>', "not well-formed"),
        (b"<!DOCTYPE a><a/>", "document type declaration"),
        (b'<!DOCTYPE a [<!ENTITY b "cc"><!ENTITY d "&b;&b;">]><a>&d;</a>', "document type"),
        (b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "document type"),
        (b"<a>" + b"<b/>" * MAX_ELEMENTS + b"</a>", "elements"),
        (b"<a>" * 50_000, "more than 100 deep"),
    ],
)
def test_what_is_no_packet_is_a_value_error(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_xmp(data)


def test_fields_of_fields_go_under_the_outer_one() -> None:
    data = packet("<xmp:Event>" * 50 + "x" + "</xmp:Event>" * 50)
    assert read_xmp(data) == {f"{EVENT}/{EVENT}": ["x"]}


WHOLE = packet(
    f'<Iptc4xmpExt:DigitalSourceType rdf:resource="{AI_TYPE}"/>'
    "<dc:creator><rdf:Seq><rdf:li>one</rdf:li></rdf:Seq></dc:creator>",
    'xmp:CreatorTool="a tool"',
)


def test_no_truncation_raises_other_than_a_value_error() -> None:
    for end in range(len(WHOLE)):
        with suppress(ValueError):
            read_xmp(WHOLE[:end])


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damage_gives_properties_or_a_value_error(data: st.DataObject) -> None:
    changed = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 8))):
        changed[data.draw(st.integers(0, len(WHOLE) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = read_xmp(bytes(changed))
    except ValueError:
        return
    assert all(name and values for name, values in found.items())
