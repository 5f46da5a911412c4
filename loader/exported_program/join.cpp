// Joins several programs into one.
#include <algorithm>

#include "loader/core/error.h"
#include "loader/exported_program/internal.h"
#include "loader/exported_program/load.h"
#include "loader/ir/dims_text.h"

namespace pp {

namespace {

using ep::Details;

const Details& details_of(const Model& program) {
  const auto* details = dynamic_cast<const Details*>(program.details.get());
  check(details != nullptr, "a .pt2 model has its details");
  return *details;
}

std::string renamed(
    const std::string& expression,
    const std::map<std::string, std::string>& names) {
  return ir::replace_words(expression, [&](const std::string& word) {
    const auto found = names.find(word);
    return found == names.end() ? word : found->second;
  });
}

std::string below(const std::string& prefix, const std::string& fqn) {
  return prefix.empty() || fqn.empty() ? prefix + fqn : prefix + "." + fqn;
}

}  // namespace

std::shared_ptr<const FormatDetails> join_details(
    const std::vector<ProgramPart>& parts,
    const std::vector<std::string>& guards) {
  check(!parts.empty(), "there is at least one program to join");
  const Details& first = details_of(*parts.front().program);
  const Details& last = details_of(*parts.back().program);
  auto out = std::make_shared<Details>(first);
  out->out_spec = last.out_spec;
  out->unused_weights.clear();
  out->module_fqns.clear();
  out->expressions.clear();
  out->program["guards_code"] = ep::guards_in_file(guards, first.guard_inputs);
  const char* fields = "treespec_namedtuple_fields";
  for (const ProgramPart& part : parts) {
    const Details& details = details_of(*part.program);
    for (const std::string& fqn : details.module_fqns) {
      const std::string name = below(part.prefix, fqn);
      if (std::ranges::count(out->module_fqns, name) == 0) {
        out->module_fqns.push_back(name);
      }
    }
    for (const auto& [infix, stored] : details.expressions) {
      out->expressions.emplace(
          renamed(infix, part.symbols), renamed(stored, part.symbols));
    }
    if (const auto found = details.program.find(fields);
        found != details.program.end() && found->is_object()) {
      out->program[fields].update(*found);
    }
  }
  return out;
}

std::vector<std::pair<ir::State, StateRecord>> unread_weights(
    const Model& program) {
  std::vector<std::pair<ir::State, StateRecord>> out;
  for (const auto& [fqn, payload] : details_of(program).unused_weights) {
    const ZipRecord& record = program.archive->find(payload.record);
    ir::State state;
    state.fqn = fqn;
    state.kind =
        payload.is_parameter ? ir::StateKind::Parameter : ir::StateKind::Buffer;
    out.emplace_back(
        std::move(state),
        StateRecord{
            payload.record,
            record.offset,
            record.num_bytes,
            payload.tensor,
            nullptr});
  }
  return out;
}

}  // namespace pp
