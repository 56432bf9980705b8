/* Owns what peers use of their limits. */
#include "access.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "negotiation.h"

#define SECOND_NS INT64_C(1000000000)

cas_status access_init(struct access *access, const struct dicom_peer *peers, size_t peer_count, bool open) {
  *access = (struct access){.open = open, .peers = peers, .peer_count = peer_count};
  access->uses = calloc(peer_count + 1, sizeof *access->uses);
  if (access->uses == NULL) return CAS_NO_MEMORY;
  for (size_t i = 0; i < peer_count; i++) pthread_mutex_init(&access->uses[i].lock, NULL);
  return CAS_OK;
}

void access_fini(struct access *access) {
  if (access->uses == NULL) return;
  for (size_t i = 0; i < access->peer_count; i++) pthread_mutex_destroy(&access->uses[i].lock);
  free(access->uses);
  access->uses = NULL;
}

static bool may_be_at(const struct dicom_peer *peer, const char *address) {
  for (size_t i = 0; i < peer->address_count; i++)
    if (peer_address_matches(&peer->addresses[i], address)) return true;
  return false;
}

bool access_admits_address(const struct access *access, const char *address) {
  if (access->open) return true;
  for (size_t i = 0; i < access->peer_count; i++) {
    const struct dicom_peer *peer = &access->peers[i];
    for (size_t j = 0; peer->caller && j < peer->address_count; j++)
      if (peer->addresses[j].name[0] != '\0' || peer_address_matches(&peer->addresses[j], address)) return true;
  }
  return false;
}

static const struct dicom_peer *find_caller(const struct access *access, const char *calling) {
  const struct dicom_peer *any = NULL;
  for (size_t i = 0; i < access->peer_count; i++) {
    const struct dicom_peer *peer = &access->peers[i];
    if (!peer->caller) continue;
    if (strcmp(peer->aet, "*") == 0) {
      any = peer;
    } else if (negotiation_same_title(calling, peer->aet)) {
      return peer;
    }
  }
  return any;
}

const char *access_judge(const struct access *access, const char *calling, const char *address,
                         struct access_grant *grant) {
  const struct dicom_peer *peer = find_caller(access, calling);
  const bool anybody = peer == NULL || strcmp(peer->aet, "*") == 0;
  if (peer != NULL && may_be_at(peer, address)) {
    *grant = (struct access_grant){
        .rights = peer->rights, .peer = peer, .use = &access->uses[(size_t)(peer - access->peers)]};
    return NULL;
  }
  if (!anybody) return "the peer of that title has another address";
  if (!access->open) return "no peer has that title";
  *grant = (struct access_grant){.rights = PEER_EVERYTHING};
  return NULL;
}

bool access_enter(const struct access_grant *grant) {
  if (grant->peer == NULL) return true;
  const unsigned before = atomic_fetch_add(&grant->use->associations, 1);
  if (grant->peer->associations_max == 0 || before < grant->peer->associations_max) return true;
  access_leave(grant);
  return false;
}

void access_leave(const struct access_grant *grant) {
  if (grant->peer != NULL) atomic_fetch_sub(&grant->use->associations, 1);
}

static int64_t advance(int64_t *due_ns, int64_t now_ns, double cost_ns) {
  if (*due_ns < now_ns - SECOND_NS) *due_ns = now_ns - SECOND_NS;
  *due_ns += (int64_t)cost_ns;
  return *due_ns - now_ns;
}

int64_t access_delay_ns(const struct access_grant *grant, uint64_t objects, uint64_t bytes) {
  const struct dicom_peer *peer = grant->peer;
  if (peer == NULL || (peer->objects_per_second_max == 0 && peer->mib_per_second_max == 0)) return 0;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  const int64_t now_ns = (int64_t)now.tv_sec * SECOND_NS + now.tv_nsec;
  int64_t delay_ns = 0;
  pthread_mutex_lock(&grant->use->lock);
  if (peer->objects_per_second_max != 0)
    delay_ns = advance(&grant->use->object_due_ns, now_ns, (double)objects * 1e9 / peer->objects_per_second_max);
  if (peer->mib_per_second_max != 0) {
    const double cost_ns = (double)bytes * 1e9 / ((double)peer->mib_per_second_max * 1048576.0);
    const int64_t byte_delay_ns = advance(&grant->use->byte_due_ns, now_ns, cost_ns);
    if (byte_delay_ns > delay_ns) delay_ns = byte_delay_ns;
  }
  pthread_mutex_unlock(&grant->use->lock);
  return delay_ns > 0 ? delay_ns : 0;
}
