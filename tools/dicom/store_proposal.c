/* Owns nothing. */
#include "store_proposal.h"

#include <string.h>

#include "transcode_policy.h"

static bool has_context(const struct store_proposal *proposal, const char *abstract_syntax, const char *first_syntax,
                        size_t syntax_count) {
  for (size_t i = 0; i < proposal->context_count; i++) {
    const struct proposal_context *context = &proposal->contexts[i];
    if (strcmp(context->abstract_syntax, abstract_syntax) == 0 && context->transfer_syntax_count == syntax_count &&
        strcmp(context->transfer_syntaxes[0], first_syntax) == 0)
      return true;
  }
  return false;
}

/* Adds a context unless it is there; false: there is no room for it. */
static bool add(struct store_proposal *proposal, const char *abstract_syntax, const char *const *syntaxes,
                size_t count) {
  if (has_context(proposal, abstract_syntax, syntaxes[0], count)) return true;
  if (proposal->context_count == PROPOSAL_CONTEXTS_MAX) return false;
  struct proposal_context *context = &proposal->contexts[proposal->context_count++];
  *context = (struct proposal_context){.abstract_syntax = abstract_syntax, .transfer_syntax_count = count};
  for (size_t i = 0; i < count; i++) context->transfer_syntaxes[i] = syntaxes[i];
  return true;
}

static bool add_kind(struct store_proposal *proposal, const struct store_kind *kind) {
  const char *own = kind->transfer_syntax_uid;
  size_t plain_count, packed_count;
  const char *const *plain = transcode_plain(&plain_count), *const *packed = transcode_packed(&packed_count);
  if (own[0] == '\0' || kind->sop_class_uid[0] == '\0') return true;
  if (!add(proposal, kind->sop_class_uid, &own, 1)) return false;
  if (!proposal->fallbacks) return true;
  if (transcode_can(own, plain[0]) && !add(proposal, kind->sop_class_uid, plain, plain_count)) return false;
  return !transcode_can(own, packed[0]) || add(proposal, kind->sop_class_uid, packed, packed_count);
}

void store_proposal_make(const struct store_kind *kinds, size_t kind_count, size_t first, bool fallbacks,
                         struct store_proposal *proposal) {
  *proposal = (struct store_proposal){.first = first, .end = first, .fallbacks = fallbacks};
  for (; proposal->end < kind_count; proposal->end++) {
    const size_t before = proposal->context_count;
    if (add_kind(proposal, &kinds[proposal->end])) continue;
    proposal->context_count = before;
    return;
  }
}

bool store_proposal_may_fall_back(const struct store_proposal *proposal, const struct store_kind *kind) {
  return !proposal->fallbacks && transcode_reads(kind->transfer_syntax_uid);
}

bool store_proposal_route(const struct store_proposal *proposal, const struct store_kind *kind,
                          store_accepted_fn accepted, const void *arg, struct store_route *route) {
  const char *taken[PROPOSAL_CONTEXTS_MAX];
  size_t contexts[PROPOSAL_CONTEXTS_MAX], count = 0;
  for (size_t i = 0; i < proposal->context_count; i++) {
    if (strcmp(proposal->contexts[i].abstract_syntax, kind->sop_class_uid) != 0) continue;
    const int syntax = accepted(arg, i);
    if (syntax < 0) continue;
    taken[count] = proposal->contexts[i].transfer_syntaxes[syntax];
    contexts[count++] = i;
  }
  const size_t chosen = transcode_choose(kind->transfer_syntax_uid, taken, count);
  if (chosen == count) return false;
  *route = (struct store_route){.context = contexts[chosen], .transfer_syntax = taken[chosen]};
  return true;
}
