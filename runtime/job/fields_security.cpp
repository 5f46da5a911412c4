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
         .meaning = "Let a TorchScript file run code while it is loaded, as "
                    "quantised modules do; only for files that you trust."}),
    field<&SecurityConfig::sandbox>(
        {.path = "security.sandbox",
         .meaning = "Let ranks on the CPU open only the files that the job "
                    "names, and start no programs; needs Landlock (Linux 5.13 "
                    "or later)."})};

}  // namespace

std::span<const Field<SecurityConfig>> security_fields() {
  return kSecurityFields;
}

}  // namespace pp
