// Inlines regions of a program that run under no_grad or autocast: their graphs
// become part of the enclosing graph.
#include <algorithm>

#include "loader/exported_program/internal.h"
#include "loader/exported_program/module_stack.h"
#include "loader/exported_program/reader.h"

namespace pp::ep {

namespace {

constexpr const char* kGradRegion = "higher_order.wrap_with_set_grad_enabled";
constexpr const char* kAutocastRegion = "higher_order.wrap_with_autocast";

bool is_graph(const Json& input, const JsonFields& fields) {
  return fields.one_of(fields.at(input, "arg")).first == "as_graph";
}

}  // namespace

bool GraphReader::is_region(const std::string& target) {
  return target == kGradRegion || target == kAutocastRegion;
}

void GraphReader::inline_region(
    const Json& json, const std::string& target, Scope& scope) {
  const std::string place = fields_.place();
  const Json& inputs = fields_.array_at(json, "inputs");
  const auto at_graph = std::ranges::find_if(
      inputs, [&](const Json& input) { return is_graph(input, fields_); });
  if (at_graph == inputs.end()) {
    fields_.fail("has no graph argument");
  }
  std::vector<ir::Arg> settings;
  std::vector<ir::Arg> operands;
  for (auto it = inputs.begin(); it != inputs.end(); ++it) {
    if (it != at_graph) {
      auto& list = it < at_graph ? settings : operands;
      list.push_back(read_argument(fields_.at(*it, "arg"), scope));
    }
  }
  Scope region;
  const Json& graph = fields_.at(fields_.at(*at_graph, "arg"), "as_graph");
  region.json = &fields_.at(graph, "graph");
  region.outer = &scope;
  region.grad_enabled = scope.grad_enabled;
  region.autocast = scope.autocast;
  enter_region(settings, target, region);
  ir::Node self;
  read_metadata(json, self, scope);
  region.modules = self.modules;
  region.region = scope.region + fields_.text_at(graph, "name") + "\t" +
                  module_stack_text(region.modules) + "\n";
  bind_operands(fields_.array_at(*region.json, "inputs"), operands, region);

  const auto inside = region_results(json, region);
  const auto outside = result_names(json);
  for (size_t i = 0; i < inside.size(); ++i) {
    region.results.emplace(inside[i], outside[i]);
  }
  read_nodes(fields_.array_at(*region.json, "nodes"), region);
  fields_.set_place(place);
  for (size_t i = 0; i < outside.size(); ++i) {
    const ir::ValueId value = find(inside[i], region);
    if (!scope.values.emplace(outside[i], value).second) {
      fields_.fail("value '" + outside[i] + "' is defined twice");
    }
  }
}

std::vector<std::string> GraphReader::region_results(
    const Json& json, const Scope& region) {
  const Json& outputs = fields_.array_at(*region.json, "outputs");
  const size_t num_outside = result_names(json).size();
  if (num_outside != outputs.size()) {
    fields_.fail(
        "has " + std::to_string(num_outside) + " results, but its graph has " +
        std::to_string(outputs.size()));
  }
  std::vector<std::string> out;
  for (const Json& output : outputs) {
    const std::string* name = try_value_name(output, fields_);
    if (name == nullptr) {
      fields_.fail("its graph returns a constant, which is not supported");
    }
    out.push_back(*name);
  }
  return out;
}

void GraphReader::enter_region(
    const std::vector<ir::Arg>& settings,
    const std::string& target,
    Scope& region) {
  const auto boolean = [&](size_t i) -> const bool* {
    return i < settings.size() ? std::get_if<bool>(&settings[i].value)
                               : nullptr;
  };
  if (target == kGradRegion) {
    const bool* enabled = boolean(0);
    if (enabled == nullptr) {
      fields_.fail("its first argument must be true or false");
    }
    region.grad_enabled = *enabled;
    return;
  }
  const auto* device =
      settings.empty() ? nullptr : std::get_if<std::string>(&settings[0].value);
  const bool* enabled = boolean(2);
  const bool* cache_enabled = boolean(3);
  if (device == nullptr || enabled == nullptr) {
    fields_.fail("its arguments must be (device, dtype, enabled, cache)");
  }
  if (region.autocast && region.autocast->device_type != *device) {
    fields_.fail(
        "autocast for '" + *device + "' inside autocast for '" +
        region.autocast->device_type + "' is not supported");
  }
  ir::Autocast autocast;
  autocast.device_type = *device;
  if (const auto* dtype = std::get_if<ir::ScalarType>(&settings[1].value)) {
    autocast.dtype = *dtype;
  } else {
    // This is torch's default.
    autocast.dtype =
        *device == "cpu" ? ir::ScalarType::BFloat16 : ir::ScalarType::Half;
  }
  autocast.enabled = *enabled;
  autocast.cache_enabled = cache_enabled == nullptr || *cache_enabled;
  region.autocast = std::move(autocast);
}

void GraphReader::bind_operands(
    const Json& inputs, const std::vector<ir::Arg>& operands, Scope& region) {
  if (inputs.size() != operands.size()) {
    fields_.fail(
        "passes " + std::to_string(operands.size()) +
        " values to a graph that has " + std::to_string(inputs.size()) +
        " inputs");
  }
  for (size_t i = 0; i < operands.size(); ++i) {
    const std::string* name = try_value_name(inputs[i], fields_);
    const auto* ref = std::get_if<ir::Ref>(&operands[i].value);
    if (name != nullptr && ref != nullptr) {
      region.values[*name] = ref->id;
    } else if (name != nullptr) {
      fields_.fail(
          "passes a constant as '" + *name + "', which is not supported");
    }
  }
}

}  // namespace pp::ep
