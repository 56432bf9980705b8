/*
 * A bound on bytes under way. Whoever brings more waits until others are done (P6).
 *
 * Threads: any.
 */
#ifndef STORE_BUDGET_H
#define STORE_BUDGET_H

#include "base/bytes.h"
#include "base/status.h"

struct budget;

CAS_MUST_USE cas_status budget_create(uint64_t bytes_max, struct budget **budget);
void budget_destroy(struct budget *budget);

/* Waits until `bytes` fit, then takes them. One that is larger than the whole budget waits for all of it. */
void budget_acquire(struct budget *budget, uint64_t bytes);
void budget_release(struct budget *budget, uint64_t bytes);

/* What is taken, and how often somebody had to wait. Waits for nobody. */
void budget_fill(const struct budget *budget, uint64_t *bytes, uint64_t *waits);

#endif
