#include <array>

#include "runtime/job/fields.h"

namespace pp {
namespace {

constexpr std::array kSecurityFields = {
    field<&SecurityConfig::allow>(
        {.path = "security.allow",
         .default_note = "none",
         .meaning = "Operators, as `NAMESPACE::NAME`, that the model may call "
                    "in addition to those that only compute; only for files "
                    "that you trust."}),
    field<&SecurityConfig::trust_script>(
        {.path = "security.trust_script",
         .meaning = "A script's code may run while its file is read, as that "
                    "of quantised modules does; only for files that you "
                    "trust."}),
    field<&SecurityConfig::sandbox>(
        {.path = "security.sandbox",
         .meaning = "Ranks on the CPU open only the files that the job names, "
                    "and start no programs (Linux 5.13, Landlock)."})};

}  // namespace

std::span<const Field<SecurityConfig>> security_fields() {
  return kSecurityFields;
}

}  // namespace pp
