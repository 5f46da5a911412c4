#include "runtime/data/output_writer.h"

#include <cstddef>
#include <vector>

#include "loader/archive/safetensors.h"

namespace pp {

OutputWriter::OutputWriter(
    std::filesystem::path path, std::map<std::string, OutputRule> rules)
    : path_(std::move(path)), rules_(std::move(rules)) {}

void OutputWriter::add(
    const std::string& name, int64_t num_rows, const at::Tensor& value) {
  const auto found = rules_.find(name);
  const OutputRule rule = found != rules_.end() ? found->second : OutputRule{};
  const at::Tensor kept =
      reduced(name, rule.reduce, value.detach()).to(at::kCPU).contiguous();
  std::unique_ptr<JoinedOutput>& output = outputs_[name];
  if (!output) {
    output = join_output(name, rule, kept, path_);
  }
  output->add(kept, num_rows);
}

void OutputWriter::finish() {
  std::map<std::string, TensorSource> sources;
  for (const auto& [name, output] : outputs_) {
    sources.emplace(name, output->finish());
  }
  assemble_safetensors(path_, sources);
  outputs_.clear();
}

void write_outputs(
    const std::filesystem::path& path,
    const std::map<std::string, at::Tensor>& outputs) {
  std::map<std::string, TensorView> views;
  std::vector<at::Tensor> alive;
  for (const auto& [name, value] : outputs) {
    const at::Tensor& tensor = alive.emplace_back(value.contiguous());
    views[name] = {
        static_cast<ir::ScalarType>(tensor.scalar_type()),
        tensor.sizes().vec(),
        {static_cast<const std::byte*>(tensor.const_data_ptr()),
         tensor.nbytes()}};
  }
  write_safetensors(path, views);
}

}  // namespace pp
