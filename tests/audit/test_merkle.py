from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from apps.audit import merkle

rows = st.lists(st.binary(max_size=40), max_size=70)


def by_the_book(leaves):
    """RFC 6962, section 2.1, as it is written there."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while 2 * split < len(leaves):
        split *= 2
    return sha256(b"\x01" + by_the_book(leaves[:split]) + by_the_book(leaves[split:])).digest()


@given(rows)
def test_the_root_is_the_one_of_the_book(rows):
    leaves = [merkle.leaf(row) for row in rows]

    assert merkle.root(leaves) == by_the_book(leaves)


@given(rows, st.data())
def test_any_change_shows_in_the_root(rows, data):
    leaves = [merkle.leaf(row) for row in rows]
    place = data.draw(st.integers(0, len(rows)))
    other = merkle.leaf(b"another" * 10)
    added = [*leaves[:place], other, *leaves[place:]]
    bent = [added]
    if place < len(leaves):
        bent += [
            [*leaves[:place], other, *leaves[place + 1 :]],
            leaves[:place] + leaves[place + 1 :],
        ]

    assert merkle.root(leaves) not in map(merkle.root, bent)


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=70), st.data())
def test_the_path_of_a_leaf_leads_to_the_root_and_no_other_leaf_of_it_does(rows, data):
    leaves = [merkle.leaf(row) for row in rows]
    index = data.draw(st.integers(0, len(rows) - 1))
    path = merkle.path(leaves, index)

    def leads(leaf=leaves[index], index=index, path=path):
        return merkle.root_by(path, leaf, index, len(leaves)) == merkle.root(leaves)

    assert leads()
    assert not leads(leaf=merkle.leaf(b"another" * 10))
    assert not leads(index=len(leaves))
    assert not leads(path=[*path, leaves[0]])
    if path:
        assert not leads(path=path[:-1])
        assert not leads(path=[merkle.leaf(b"another" * 10), *path[1:]])


def test_the_known_roots_of_certificate_transparency():
    # From the test data of the reference implementation.
    data = ["", "00", "10", "2021", "3031", "40414243"]
    leaves = [merkle.leaf(bytes.fromhex(each)) for each in data]

    assert [merkle.root(leaves[:n]).hex() for n in (0, 1, 2, 3)] == [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    ]
