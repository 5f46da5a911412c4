#include "runtime/data/output_writer.h"

#include <cstddef>
#include <vector>

#include "loader/archive/safetensors.h"

namespace pp {

namespace {

/// The tensor as a file holds it: on the CPU, contiguous, and without a pending
/// conjugation or negation, which its memory doesn't show.
at::Tensor plain(const at::Tensor& value) {
  return value.resolve_conj().resolve_neg().to(at::kCPU).contiguous();
}

}  // namespace

OutputWriter::OutputWriter(
    std::filesystem::path path, std::map<std::string, OutputRule> rules)
    : path_(std::move(path)), rules_(std::move(rules)) {}

void OutputWriter::add(
    const std::string& name, RowCount rows, const at::Tensor& value) {
  const auto found = rules_.find(name);
  const OutputRule rule = found != rules_.end() ? found->second : OutputRule{};
  const at::Tensor kept = plain(
      without_padding(rule, reduced(name, rule.reduce, value.detach()), rows));
  std::unique_ptr<JoinedOutput>& output = outputs_[name];
  if (!output) {
    output = join_output(name, rule, kept, path_);
  }
  output->add(kept, rows.own);
}

void OutputWriter::finish_as(
    const std::filesystem::path& path,
    const std::map<std::string, std::string>& metadata) {
  std::map<std::string, TensorSource> sources;
  for (const auto& [name, output] : outputs_) {
    sources.emplace(name, output->finish());
  }
  assemble_safetensors(path, sources, metadata);
  outputs_.clear();
}

void write_outputs(
    const std::filesystem::path& path,
    const std::map<std::string, at::Tensor>& outputs) {
  std::map<std::string, TensorView> views;
  std::vector<at::Tensor> alive;
  for (const auto& [name, value] : outputs) {
    const at::Tensor& tensor = alive.emplace_back(plain(value));
    views[name] = {
        static_cast<ir::ScalarType>(tensor.scalar_type()),
        tensor.sizes().vec(),
        {static_cast<const std::byte*>(tensor.const_data_ptr()),
         tensor.nbytes()}};
  }
  write_safetensors(path, views);
}

}  // namespace pp
