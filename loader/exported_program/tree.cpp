#include "loader/exported_program/tree.h"

#include <algorithm>
#include <set>

namespace pp::ep {

namespace {

using Json = nlohmann::json;

std::vector<std::string> texts_of(const Json& list) {
  std::vector<std::string> out;
  for (const Json& item : list) {
    out.push_back(item.is_string() ? item.get<std::string>() : item.dump());
  }
  return out;
}

class TreeReader {
 public:
  /// namedtuple_fields  a part of `program`; may be null
  TreeReader(
      const std::string& spec,
      const Json* namedtuple_fields,
      const JsonFields& program)
      : spec_(spec, program.where() + ": tree spec"),
        namedtuple_fields_(namedtuple_fields),
        program_(program) {}

  std::vector<TreePath> read() {
    const Json& root = spec_.root();
    if (!root.is_array() || root.size() != 2 || root[0] != 1) {
      spec_.fail("must be a list of two items: version 1 and the tree");
    }
    walk(root[1], {});
    return std::move(leaves_);
  }

 private:
  void walk(const Json& tree, TreePath path) {
    const Json* type = spec_.try_at(tree, "type");
    if (type == nullptr) {
      leaves_.push_back(std::move(path));
      return;
    }
    const Json& children = spec_.array_at(tree, "children_spec");
    const auto keys = child_keys(spec_.text(*type), tree, children.size());
    for (size_t i = 0; i < children.size(); ++i) {
      path.push_back(
          keys.empty() ? TreeStep{std::to_string(i), false}
                       : TreeStep{keys[i], true});
      walk(children[i], path);
      path.pop_back();
    }
  }

  /// Names of the children; empty if they only have positions.
  std::vector<std::string> child_keys(
      const std::string& type, const Json& tree, size_t num_children) const {
    const Json* context = spec_.try_at(tree, "context");
    std::vector<std::string> keys;
    if (context != nullptr && type == "collections.namedtuple") {
      keys = namedtuple_keys(*context);
    } else if (context != nullptr) {
      keys = context_keys(*context);
    }
    return keys.size() == num_children ? keys : std::vector<std::string>();
  }

  std::vector<std::string> namedtuple_keys(const Json& context) const {
    if (namedtuple_fields_ == nullptr || !context.is_string()) {
      return {};
    }
    const Json* entry = program_.try_at(
        *namedtuple_fields_, context.get_ref<const std::string&>().c_str());
    return entry == nullptr
               ? std::vector<std::string>()
               : texts_of(program_.array_at(*entry, "field_names"));
  }

  // The context of a dict is ["a", "b"], of a dataclass [["a", "b"],
  // ["unset"]], of a defaultdict {"dict_context": ["a", "b"]}; most are stored
  // as a string of JSON.
  static std::vector<std::string> context_keys(const Json& context) {
    Json inner = context;
    if (context.is_string()) {
      inner = try_parse_json(context.get_ref<const std::string&>())
                  .value_or(Json());
    }
    if (inner.is_object() && inner.contains("dict_context")) {
      inner = Json(inner["dict_context"]);
    }
    if (!inner.is_array()) {
      return {};
    }
    const bool dataclass =
        inner.size() == 2 && inner[0].is_array() && inner[1].is_array();
    return texts_of(dataclass ? inner[0] : inner);
  }

  JsonFields spec_;
  const Json* namedtuple_fields_;
  const JsonFields& program_;
  std::vector<TreePath> leaves_;
};

Json leaf() {
  return {
      {"type", nullptr},
      {"context", nullptr},
      {"children_spec", Json::array()}};
}

Json leaves(size_t count) {
  Json out = Json::array();
  for (size_t i = 0; i < count; ++i) {
    out.push_back(leaf());
  }
  return out;
}

Json tuple_of(Json children) {
  return {
      {"type", "builtins.tuple"},
      {"context", "null"},
      {"children_spec", std::move(children)}};
}

std::string dumped(Json tree) {
  Json out = Json::array();
  out.push_back(1);  // the version of the format
  out.push_back(std::move(tree));
  return out.dump();
}

}  // namespace

std::vector<TreePath> leaves_of(
    const std::string& spec,
    const Json* namedtuple_fields,
    const JsonFields& program) {
  return TreeReader(spec, namedtuple_fields, program).read();
}

std::vector<std::string> output_names(const std::vector<TreePath>& leaves) {
  std::vector<std::string> out;
  std::set<std::string> taken;
  for (size_t i = 0; i < leaves.size(); ++i) {
    const TreePath& path = leaves[i];
    const bool named = std::ranges::any_of(path, &TreeStep::named);
    std::string name;
    if (!named) {
      name = "output_" + std::to_string(i);
    } else {
      for (size_t step = 0; step < path.size(); ++step) {
        const bool first = step == 0;
        name += first ? "" : ".";
        name += first && !path[step].named ? "output_" : "";
        name += path[step].key;
      }
    }
    while (!taken.insert(name).second) {
      name += "_" + std::to_string(i);
    }
    out.push_back(std::move(name));
  }
  return out;
}

std::string tuple_spec(size_t num_leaves) {
  return dumped(tuple_of(leaves(num_leaves)));
}

std::string arguments_spec(
    size_t num_positional, const std::vector<std::string>& keywords) {
  Json keyword_tree = {
      {"type", "builtins.dict"},
      {"context", Json(keywords).dump()},
      {"children_spec", leaves(keywords.size())}};
  return dumped(tuple_of(Json::array(
      {tuple_of(leaves(num_positional)), std::move(keyword_tree)})));
}

}  // namespace pp::ep
