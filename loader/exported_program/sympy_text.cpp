#include "loader/exported_program/sympy_text.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <optional>
#include <vector>

#include "loader/core/text.h"

namespace pp::ep {

namespace {

// Precedence of an expression, which tells where parentheses are needed.
enum class Binding { Sum, Product, Power, Atom };

struct Term {
  std::string text;
  Binding binding = Binding::Atom;
};

std::string within(const Term& term, Binding outer) {
  return term.binding < outer ? "(" + term.text + ")" : term.text;
}

// A recursive-descent parser of NAME(argument, ..., keyword=value). It limits
// the depth of nesting, which is the depth of its recursion.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<Term> whole() {
    auto term = expression(0);
    return term && position_ == text_.size() ? term : std::nullopt;
  }

 private:
  static constexpr int kMaxDepth = 200;

  char peek() const {
    return position_ < text_.size() ? text_[position_] : '\0';
  }
  void skip_space() {
    while (peek() == ' ') {
      ++position_;
    }
  }
  bool accept(char symbol) {
    skip_space();
    if (peek() != symbol) {
      return false;
    }
    ++position_;
    skip_space();
    return true;
  }

  std::string word() {
    skip_space();
    const size_t start = position_;
    while (std::isalnum(static_cast<unsigned char>(peek())) != 0 ||
           peek() == '_' || peek() == '.' || peek() == '-') {
      ++position_;
    }
    return std::string(text_.substr(start, position_ - start));
  }

  std::optional<std::string> quoted() {
    if (!accept('\'')) {
      return std::nullopt;
    }
    const size_t end = text_.find('\'', position_);
    if (end == std::string_view::npos) {
      return std::nullopt;
    }
    std::string out(text_.substr(position_, end - position_));
    position_ = end + 1;
    return out;
  }

  std::optional<Term> expression(int depth) {
    if (depth > kMaxDepth) {
      return std::nullopt;
    }
    skip_space();
    if (peek() == '\'') {
      auto name = quoted();
      return name ? std::optional(Term{*name, Binding::Atom}) : std::nullopt;
    }
    const std::string name = word();
    if (name.empty()) {
      return std::nullopt;
    }
    if (!accept('(')) {
      return Term{name, Binding::Atom};
    }
    std::vector<Term> arguments;
    while (!accept(')')) {
      auto next = expression(depth + 1);
      if (!next) {
        return std::nullopt;
      }
      // Skip assumptions about a symbol.
      if (accept('=')) {
        word();
      } else {
        arguments.push_back(*next);
      }
      if (!accept(',') && peek() != ')') {
        return std::nullopt;
      }
    }
    return combine(name, arguments);
  }

  static Term combine(const std::string& name, const std::vector<Term>& terms) {
    if ((name == "Symbol" || name == "Integer" || name == "Float") &&
        !terms.empty()) {
      return terms[0];
    }
    if (name == "Add" && !terms.empty()) {
      return {chain(terms, " + ", Binding::Sum), Binding::Sum};
    }
    if (name == "Mul" && !terms.empty()) {
      return {chain(terms, "*", Binding::Product), Binding::Product};
    }
    if (name == "Rational" && terms.size() == 2) {
      return {terms[0].text + "/" + terms[1].text, Binding::Product};
    }
    if (name == "Pow" && terms.size() == 2) {
      const std::string& base = terms[0].text;
      return {
          (base.starts_with('-') ? "(" + base + ")"
                                 : within(terms[0], Binding::Atom)) +
              "**" + within(terms[1], Binding::Atom),
          Binding::Power};
    }
    std::vector<std::string> texts;
    std::ranges::transform(terms, std::back_inserter(texts), &Term::text);
    return {name + "(" + join(texts) + ")", Binding::Atom};
  }

  static std::string chain(
      const std::vector<Term>& terms, const char* sign, Binding binding) {
    std::vector<std::string> texts;
    for (const Term& term : terms) {
      texts.push_back(within(term, binding));
    }
    return join(texts, sign);
  }

  std::string_view text_;
  size_t position_ = 0;
};

}  // namespace

std::string infix_of(std::string_view expression) {
  const auto term = Reader(expression).whole();
  return term ? term->text : std::string(expression);
}

}  // namespace pp::ep
