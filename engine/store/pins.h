/*
 * What objects under way rely on before their manifests are durable: pins on segments. And which blobs are going: the
 * dead ones of a segment that is being written anew, which no new object may rely on.
 *
 * A pin says that blobs of a segment may get users soon. While a segment is pinned none of its blobs is doomed, and a
 * blob that is doomed gives no pin. So a blob that an object counts on is there when its manifest comes.
 *
 * Threads: any.
 */
#ifndef STORE_PINS_H
#define STORE_PINS_H

#include <stdbool.h>

#include "base/ids.h"
#include "base/status.h"

struct pins;
CAS_MUST_USE cas_status pins_create(struct pins **pins);
void pins_destroy(struct pins *pins); /* NULL is allowed */

/* Pins the segment of this number for a blob in it. False, and there is no pin: the blob is doomed, or no memory. */
CAS_MUST_USE bool pins_take(struct pins *pins, uint32_t segment, const struct blob_id *id);

/* One more pin on a segment that the caller's object has pinned. False: no memory. */
CAS_MUST_USE bool pins_again(struct pins *pins, uint32_t segment);

void pins_release(struct pins *pins, uint32_t segment);

/* Segments that one object has pinned, each once. Zero is empty. */
struct pin_set {
  uint32_t *segments;
  size_t count, capacity;
};

/* Adds a pin on a segment that the caller's object has pinned otherwise; 0: nothing to pin. False: no memory. */
CAS_MUST_USE bool pin_set_add(struct pin_set *set, struct pins *pins, uint32_t segment);
void pin_set_fini(struct pin_set *set, struct pins *pins);

/* Dooms a blob of the segment, the same one until pins_end(). False, and it is not: the segment is pinned, or no
 * memory. */
CAS_MUST_USE bool pins_doom(struct pins *pins, uint32_t segment, const struct blob_id *id);
void pins_pardon(struct pins *pins, const struct blob_id *id);

/* Forgets all that are doomed. */
void pins_end(struct pins *pins);

#endif
