"""Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
1, 2, 3", SC'11 (doi:10.1145/2063384.2063405).

A block of four 32-bit words is a pure function of a 128-bit counter and a 64-bit key, so any random number of any
replica can be made again at any time, in any order, by any thread. gradsim's counter is::

    word 0  block     which four numbers of the array (row * blocks_per_row + column block)
    word 1  layer     identity of the layer that draws, not its place in the program
    word 2  replica   which network of the ensemble
    word 3  role      what is drawn: inputs, weights, biases, probe (see `sampling`)
"""

import numpy as np

from .compilation import inlined, kernel

MULTIPLIER_0 = np.uint64(0xD2511F53)
MULTIPLIER_1 = np.uint64(0xCD9E8D57)
WEYL_0 = np.uint64(0x9E3779B9)
WEYL_1 = np.uint64(0xBB67AE85)
LOW_32 = np.uint64(0xFFFFFFFF)
SHIFT_32 = np.uint64(32)
ROUNDS = 10
ONE_BLOCK = np.int64(1)


@inlined
def philox(counter_0, counter_1, counter_2, counter_3, key_0, key_1):
    """One Philox4x32-10 block: six 32-bit words in, four out, each held in the low half of a uint64.

    64-bit lanes throughout: with uint32 variables LLVM widens and narrows around every multiplication, and a word
    costs 0.83 ns instead of 0.38 ns. Inlined by Numba, because LLVM's inliner finds ten rounds too long, and a loop
    with a call in it does not vectorise: 2.1 ns a word (AVX-512 Xeon, 2.6 GHz).
    """
    for _ in range(ROUNDS):
        product_0 = counter_0 * MULTIPLIER_0
        product_1 = counter_2 * MULTIPLIER_1
        counter_0 = (product_1 >> SHIFT_32) ^ counter_1 ^ key_0
        counter_1 = product_1 & LOW_32
        counter_2 = (product_0 >> SHIFT_32) ^ counter_3 ^ key_1
        counter_3 = product_0 & LOW_32
        key_0 = (key_0 + WEYL_0) & LOW_32
        key_1 = (key_1 + WEYL_1) & LOW_32
    return counter_0, counter_1, counter_2, counter_3


@kernel
def fill_words(key, layer, replica, role, first_block, blocks, words):
    """Fill the first `blocks` columns of `words`, uint32 of shape (4, >= blocks).

    Column j holds the four words of block first_block + j. The words of one block lie a row apart, so that the loop over
    blocks writes contiguously and vectorises.
    `key` is uint32 of shape (2,).
    """
    key_0, key_1 = np.uint64(key[0]), np.uint64(key[1])
    # Masked, so that LLVM knows every product to be 32 x 32 bits.
    layer, replica, role = np.uint64(layer) & LOW_32, np.uint64(replica) & LOW_32, np.uint64(role) & LOW_32
    first_block = np.uint64(first_block)
    for j in range(blocks):
        word_0, word_1, word_2, word_3 = philox((first_block + np.uint64(j)) & LOW_32, layer, replica, role, key_0, key_1)
        words[0, j] = np.uint32(word_0)
        words[1, j] = np.uint32(word_1)
        words[2, j] = np.uint32(word_2)
        words[3, j] = np.uint32(word_3)
