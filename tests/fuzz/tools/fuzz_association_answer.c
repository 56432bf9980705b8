/* What a peer answers to an association request that we sent. */
#include "association_proposal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const struct proposal_context contexts[] = {
      {"1.2.840.10008.1.1", {"1.2.840.10008.1.2"}, 1, false},
      {"1.2.840.10008.5.1.4.1.1.2", {"1.2.840.10008.1.2.1", "1.2.840.10008.1.2"}, 2, true},
  };
  const struct proposal proposal = {.calling = "US", .called = "THEM", .contexts = contexts, .context_count = 2};
  struct proposal_answer answer;
  struct cas_error error = {0};
  if (size < 6 || proposal_answer_size(data) == 0) return 0;
  const cas_status status = proposal_answer_parse((struct cas_slice){data, size}, &proposal, &answer, &error);
  if (status == CAS_OK && (answer.accepted[0] > 0 || answer.accepted[1] > 1 || answer.accepted[2] != -1))
    __builtin_trap();
  return 0;
}
