/*
 * Pictures of a body that nobody has: cuts through ellipsoids, with the noise of a scanner.
 *
 * CT is a chest: body, lungs with vessels, heart, spine and ribs in Hounsfield units above air, which is 0 and clipped
 * there; the noise is that of a reconstruction kernel, correlated between neighbours. MR is a head on a background that
 * was masked out, with folded tissue and less noise. How both compress beside real series stands in
 * docs/benchmarks.md.
 *
 * Threads: a phantom belongs to one thread at a time; different ones are independent.
 */
#ifndef PHANTOM_H
#define PHANTOM_H

#include "cassette/status.h"

#include <stdint.h>

enum phantom_kind { PHANTOM_CT, PHANTOM_MR };

#define PHANTOM_SIDE_MAX 65535u /* rows, columns: what DICOM can state */

struct phantom;

/* `bits`: of the largest value, 8 to 16. The same arguments give the same pictures on every machine. CAS_NO_MEMORY. */
CAS_MUST_USE cas_status phantom_create(enum phantom_kind kind, uint32_t rows, uint32_t columns, unsigned bits,
                                       uint64_t seed, struct phantom **phantom);
void phantom_destroy(struct phantom *phantom); /* NULL is allowed */

/* Draws slice `number` of `count` (from head to feet) into rows * columns samples. */
void phantom_draw(struct phantom *phantom, uint64_t number, uint64_t count, uint16_t *samples);

#endif
