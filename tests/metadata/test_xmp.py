"""Properties of XMP packets."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipfake.metadata.loose_xml import MAX_STEPS
from clipfake.metadata.xmp import MAX_ELEMENTS, MAX_VALUE, Properties, read_xmp
from tests.conftest import PATIENCE
from tests.metadata.pieces import AI_TYPE, packet

TOOL = "http://ns.adobe.com/xap/1.0/ CreatorTool"
TYPE = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/ DigitalSourceType"
DESCRIPTION = "http://purl.org/dc/elements/1.1/ description"
CREATOR = "http://purl.org/dc/elements/1.1/ creator"
EVENT = "http://ns.adobe.com/xap/1.0/ Event"


def properties(data: bytes) -> Properties:
    """What is read of a packet without a fault."""
    found = read_xmp(data)
    assert found.fault == ""
    return found.properties


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
    assert properties(data) == {TOOL: ["a tool"]}


@pytest.mark.parametrize(
    "elements",
    [
        f'<Iptc4xmpExt:DigitalSourceType rdf:resource="{AI_TYPE}"/>',
        f"<Iptc4xmpExt:DigitalSourceType>{AI_TYPE}</Iptc4xmpExt:DigitalSourceType>",
    ],
)
def test_a_uri_is_a_value(elements: str) -> None:
    assert properties(packet(elements)) == {TYPE: [AI_TYPE]}


def test_names_are_told_by_namespace_not_by_prefix() -> None:
    data = packet('<q:CreatorTool xmlns:q="http://ns.adobe.com/xap/1.0/">a tool</q:CreatorTool>')
    assert properties(data) == {TOOL: ["a tool"]}
    data = packet('<xmp:CreatorTool xmlns:xmp="http://ns.example.com/">a tool</xmp:CreatorTool>')
    assert TOOL not in properties(data)


@pytest.mark.parametrize("kind", ["Bag", "Seq", "Alt"])
def test_values_of_an_array_stand_one_by_one(kind: str) -> None:
    items = '<rdf:li xml:lang="x-default">one</rdf:li><rdf:li>two</rdf:li>'
    data = packet(f"<dc:creator><rdf:{kind}>{items}</rdf:{kind}></dc:creator>")
    assert properties(data) == {CREATOR: ["one", "two"]}


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
    assert properties(packet(inner)) == {f"{EVENT}/{CREATOR}": ["one"]}


def test_several_descriptions_are_read_together() -> None:
    one = packet(attributes='xmp:CreatorTool="a tool"').decode()
    space = 'xmlns:dc="http://purl.org/dc/elements/1.1/"'
    second = f'<rdf:Description rdf:about="" {space} dc:description="words"/></rdf:RDF>'
    two = one.replace("</rdf:RDF>", second).encode()
    assert properties(two) == {TOOL: ["a tool"], DESCRIPTION: ["words"]}


def test_a_packet_may_lack_its_wrapper_and_have_padding() -> None:
    data = packet(attributes='xmp:CreatorTool="a tool"')
    bare = data[data.index(b"<rdf:RDF") : data.index(b"</x:xmpmeta>")]
    for each in (bare, b"\0\0 \n" + bare + b" " * 2000 + b"\0", b"\xef\xbb\xbf" + bare):
        assert properties(each) == {TOOL: ["a tool"]}


def test_properties_outside_of_rdf_do_not_count() -> None:
    outside = '<x xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="a tool"/>'
    assert properties(outside.encode()) == {}
    deep = packet(attributes='xmp:CreatorTool="a tool"').decode()
    deep = "<a><b>" + deep[deep.index("<x:") : deep.index("\n<?xpacket")] + "</b></a>"
    assert properties(deep.encode()) == {}


def test_a_description_inside_a_value_adds_no_properties() -> None:
    inner = '<dc:creator><rdf:RDF><rdf:Description xmp:CreatorTool="x"/></rdf:RDF></dc:creator>'
    assert TOOL not in properties(packet(inner))


def test_words_between_elements_have_no_name() -> None:
    assert properties(packet("stray words<xmp:CreatorTool>a tool</xmp:CreatorTool>")) == {
        TOOL: ["a tool"]
    }


def test_long_values_of_many_lines_are_whole() -> None:
    text = "\n".join(f"line {number} " + "x" * 200 for number in range(100))
    data = packet(f"<dc:description>{text}</dc:description>")
    assert properties(data) == {DESCRIPTION: [text]}
    entities = "".join(f"&#{65 + number % 26};" for number in range(2000)) + "y" * 500
    (found,) = properties(packet(f"<dc:description>{entities}</dc:description>"))[DESCRIPTION]
    assert len(found) == 2500


def test_no_value_is_endless() -> None:
    endless = "x" * (2 * MAX_VALUE)
    for data in (
        packet(f"<dc:description>{endless}</dc:description>"),
        packet(attributes=f'dc:description="{endless}"'),
    ):
        assert properties(data) == {DESCRIPTION: ["x" * MAX_VALUE]}


def test_no_array_is_endless() -> None:
    items = "<rdf:li>x</rdf:li>" * 1000
    data = packet(f"<dc:creator><rdf:Bag>{items}</rdf:Bag></dc:creator>")
    assert len(properties(data)[CREATOR]) == 100


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not well-formed"),
        (b"no xml at all", "not well-formed"),
        (b"<a><b></a>", "not well-formed"),
        (b"<a b=1/>", "not well-formed"),
        (b"<a>\xff</a>", "no UTF-8"),
        (b'<a xmlns:q="u"><r:b/></a>', "not well-formed"),
        (b"<!DOCTYPE a><a/>", "document type declaration"),
        (b'<!DOCTYPE a [<!ENTITY b "cc"><!ENTITY d "&b;&b;">]><a>&d;</a>', "document type"),
        (b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "document type"),
        (b"<a>" + b"<b/>" * MAX_ELEMENTS + b"</a>", "elements"),
        (b"<a>" * 50_000, "more than 100 deep"),
    ],
)
def test_what_is_no_packet_has_a_fault_and_no_properties(data: bytes, message: str) -> None:
    found = read_xmp(data)
    assert found.properties == {}
    assert message in found.fault


def test_fields_of_fields_go_under_the_outer_one() -> None:
    data = packet("<xmp:Event>" * 50 + "x" + "</xmp:Event>" * 50)
    assert properties(data) == {f"{EVENT}/{EVENT}": ["x"]}


WHOLE = packet(
    f'<Iptc4xmpExt:DigitalSourceType rdf:resource="{AI_TYPE}"/>'
    "<dc:creator><rdf:Seq><rdf:li>one</rdf:li></rdf:Seq></dc:creator>",
    'xmp:CreatorTool="a tool"',
)


# broken packets

MADE = {TYPE: [AI_TYPE]}
START = f'<Iptc4xmpExt:DigitalSourceType rdf:resource="{AI_TYPE}"/>'


def broken(data: bytes, fault: str = "not well-formed") -> Properties:
    """What is read of a packet with a fault."""
    found = read_xmp(data)
    assert fault in found.fault
    return found.properties


@pytest.mark.parametrize(
    "elements",
    [
        START + "<dc:title>Salt & pepper</dc:title>",
        "<dc:title>Salt & pepper</dc:title>" + START,
        START + '<dc:title note="a < b">x</dc:title>',
        '<dc:title note="a < b & c">x</dc:title>' + START,
        "<dc:title>1 < 2, <3</dc:title>" + START,
        "<dc:title>a</dc:titel>" + START,
        "</dc:title>" + START,
        "<dc:title>&nbsp;&#0;&#xD800;&#99999999;&x</dc:title>" + START,
        "<dc:title>\0\x01\x1f\x0b</dc:title>" + START,
        '<dc:title a="1" a="2">x</dc:title>' + START,
        '<dc:title a=1 b c="d>x</dc:title>' + START,
        "<odd:title odd:a='1'>x</odd:title>" + START,
        START + "<!-- no end",
        START + "<![CDATA[ no end",
        START + "<?pi no end",
        START + '<dc:title a="',
        START + "<",
        START + "</",
        "<!bad>" + START,
    ],
)
def test_what_a_fault_does_not_touch_is_read(elements: str) -> None:
    found = broken(packet(elements))
    assert found[TYPE] == [AI_TYPE]


@pytest.mark.parametrize("where", ["before", "behind"])
@pytest.mark.parametrize("kind", ["attribute", "element"])
def test_an_undeclared_prefix_costs_nothing(kind: str, where: str) -> None:
    said = f'Iptc4xmpExt:DigitalSourceType="{AI_TYPE}"'
    other = "odd:a='1'" if kind == "attribute" else ""
    inside = "" if kind == "attribute" else "<odd:a>1</odd:a>"
    data = packet(inside, f"{other} {said}" if where == "before" else f"{said} {other}")
    assert broken(data, "unbound prefix")[TYPE] == [AI_TYPE]


def test_a_known_prefix_need_not_be_declared() -> None:
    data = f'<rdf:RDF><rdf:Description Iptc4xmpExt:DigitalSourceType="{AI_TYPE}"/></rdf:RDF>'
    assert broken(data.encode(), "unbound prefix") == MADE
    # what is declared is what it is declared to be
    other = data.replace("<rdf:RDF>", '<rdf:RDF xmlns:Iptc4xmpExt="http://ns.example.com/">')
    assert TYPE not in broken(other.encode(), "unbound prefix")


@pytest.mark.parametrize(
    "tail",
    [
        b"<dc:old>left over</dc:old></rdf:RDF></x:xmpmeta><?xpacket end='w'?>",
        b"</x:xmpmeta>",
        b"junk >",
        b"<",
        packet(START),
        b"\0\0<rdf:RDF>" + START.encode() + b"</rdf:RDF>",
    ],
)
def test_what_is_left_over_behind_a_packet_is_not_read(tail: bytes) -> None:
    data = packet(attributes='xmp:CreatorTool="a tool"')
    found = read_xmp(data + tail)
    assert found.properties == {TOOL: ["a tool"]}
    assert (found.fault == "") == (b">" not in tail)


@pytest.mark.parametrize("head", [b"junk ", b"\x01\x02", b"</x:xmpmeta>", b">>", b"< ", b"&&"])
def test_stray_bytes_before_a_packet_cost_nothing(head: bytes) -> None:
    assert broken(head + packet(START)) == MADE


def test_a_comment_or_a_section_says_nothing_in_a_broken_packet() -> None:
    for hidden in (f"<!-- {START} -->", f"<![CDATA[ {START} ]]>", f"<?pi {START} ?>"):
        assert TYPE not in broken(packet(hidden + "<dc:title>&</dc:title>"))
    assert TYPE not in broken(packet(f"<!-- {START}"))


def test_words_that_were_escaped_are_no_elements_in_a_broken_packet() -> None:
    escaped = START.replace("<", "&lt;").replace(">", "&gt;")
    found = broken(packet(f"<dc:description>{escaped} &</dc:description>"))
    assert found == {DESCRIPTION: [f"{START} &"]}


def test_a_type_of_an_ingredient_is_no_type_of_a_broken_packet() -> None:
    nested = f'<xmp:Event rdf:parseType="Resource">{START}<dc:title>&</dc:title></xmp:Event>'
    assert TYPE not in broken(packet(nested))


def test_what_stands_in_an_element_without_an_end_is_no_property_of_the_packet() -> None:
    assert TYPE not in broken(packet("<dc:title>a" + START))


@pytest.mark.parametrize("cut", ["</rdf:Description>", "</rdf:RDF>", "</x:xmpmeta>"])
def test_a_missing_end_costs_nothing(cut: str) -> None:
    data = packet(START, 'xmp:CreatorTool="a tool"')
    assert broken(data[: data.index(cut.encode())]) == {TOOL: ["a tool"], **MADE}


def test_a_value_that_is_cut_off_is_not_told() -> None:
    data = packet(attributes=f'xmp:CreatorTool="a tool" Iptc4xmpExt:DigitalSourceType="{AI_TYPE}"')
    assert broken(data[: data.index(b"trained") + 3]) == {TOOL: ["a tool"]}
    data = packet("<xmp:CreatorTool>Adobe Firefly is not what I used</xmp:CreatorTool>")
    assert broken(data[: data.index(b" is not")]) == {}


def test_a_broken_packet_is_read_up_to_so_many_tags() -> None:
    many = '<dc:title a="1">x</dc:title>' * MAX_STEPS
    assert broken(packet(f"{START}& {many}"))[TYPE] == [AI_TYPE]
    assert TYPE not in broken(packet(f"& {many}{START}"))


def test_what_stands_before_a_late_fault_is_read() -> None:
    many = "<dc:title>x</dc:title>" * 20_000
    assert broken(packet(START + many + "&"))[TYPE] == [AI_TYPE]


ENCODINGS = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]


@pytest.mark.parametrize("marked", [False, True])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("padding", ["", " \n " * 50])
def test_a_packet_may_be_in_another_unicode_encoding(
    encoding: str, marked: bool, padding: str
) -> None:
    text = ("\ufeff" if marked else "") + packet(START, 'dc:description="größe 猫"').decode()
    data = (text + padding).encode(encoding)
    assert properties(data) == {DESCRIPTION: ["größe 猫"], **MADE}
    assert broken((text + "<odd></x>").encode(encoding) + b"\0") == {
        DESCRIPTION: ["größe 猫"],
        **MADE,
    }


@pytest.mark.parametrize("encoding", ["iso-8859-1", "windows-1252", "ISO-8859-15"])
def test_a_declared_encoding_is_believed(encoding: str) -> None:
    text = packet(attributes='dc:description="größe"').decode().replace("\ufeff", "")
    head = f'<?xml version="1.0" encoding="{encoding}"?>'
    assert properties((head + text).encode(encoding)) == {DESCRIPTION: ["größe"]}


@pytest.mark.parametrize("declared", ["", "utf-8", "utf_7", "idna", "rot13", "no-such", "hex"])
def test_bytes_that_are_no_utf8_are_latin_and_noted(declared: str) -> None:
    head = f'<?xml version="1.0" encoding="{declared}"?>'.encode() if declared else b""
    data = head + packet(START, 'dc:description="gr\xf6\xdfe 猫"').replace(
        "\xf6\xdf".encode(), b"\xf6\xdf"
    )
    assert broken(data, "no UTF-8") == {DESCRIPTION: ["größe 猫"], **MADE}


@pytest.mark.parametrize("zeros", [b"\0", b"\0\0\0"])
def test_zeros_inside_cost_nothing(zeros: bytes) -> None:
    data = packet(START, 'xmp:CreatorTool="a tool"').replace(b"a tool", b"a" + zeros + b" tool")
    assert broken(data) == {TOOL: ["a tool"], **MADE}


@pytest.mark.parametrize(
    "piece",
    ["<", "<a ", "<a>", "</a>", '"', "<a '", "<!--", "<![CDATA[", "<?", "&", "&#1;", "<a/>", "a="],
)
@pytest.mark.parametrize("inside", [False, True])
def test_the_time_for_a_broken_packet_is_bounded(piece: str, inside: bool) -> None:
    head = '<rdf:RDF><rdf:Description dc:title="' if inside else "<rdf:RDF><odd:a>"
    start = time.process_time()
    read_xmp((head + piece * (2**21 // len(piece))).encode())
    assert time.process_time() - start < PATIENCE


def test_no_truncation_gives_half_a_value() -> None:
    for end in range(len(WHOLE)):
        found = read_xmp(WHOLE[:end])
        assert set(found.properties) <= {TYPE, CREATOR, TOOL}
        assert all(
            value in (AI_TYPE, "one", "a tool") for v in found.properties.values() for value in v
        )


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damage_gives_properties(data: st.DataObject) -> None:
    changed = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 8))):
        changed[data.draw(st.integers(0, len(WHOLE) - 1))] = data.draw(st.integers(0, 255))
    found = read_xmp(bytes(changed)).properties
    assert all(name and values for name, values in found.items())
