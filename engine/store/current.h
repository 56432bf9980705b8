/*
 * Marks in the index that say where a SOP instance has more than one version: elsewhere every instance is the current
 * one, and need not be looked at to be counted.
 *
 * Threads: those of the batch.
 */
#ifndef STORE_CURRENT_H
#define STORE_CURRENT_H

#include "index/index.h"

/* Marks the studies that have a version of this SOP instance, those in the batch among them. Cheap for what is marked.
 */
CAS_MUST_USE cas_status current_mark(struct index_batch *batch, const char *sop_instance_uid, struct cas_error *error);

#endif
