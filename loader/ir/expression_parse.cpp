#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <utility>

#include "loader/core/error.h"
#include "loader/ir/expression_node.h"

namespace pp::ir {

namespace {

using NodePtr = std::shared_ptr<const Expression::Term>;
using Op = ExpressionOp;

constexpr int kMaxNesting = 100;
// Bounds recursion: a chain of n operators is a tree of depth n.
constexpr size_t kLongestText = 8192;

struct Symbol {
  std::string_view text;
  Op op;
};

// Longer symbols first: "<=" before "<".
constexpr std::array kComparisons{
    Symbol{"==", Op::Equal},
    Symbol{"!=", Op::NotEqual},
    Symbol{"<=", Op::LessEqual},
    Symbol{">=", Op::GreaterEqual},
    Symbol{"<", Op::Less},
    Symbol{">", Op::Greater}};
constexpr std::array kShifts{
    Symbol{"<<", Op::ShiftLeft}, Symbol{">>", Op::ShiftRight}};
constexpr std::array kSums{Symbol{"+", Op::Add}, Symbol{"-", Op::Subtract}};
constexpr std::array kProducts{
    Symbol{"//", Op::FloorDivide},
    Symbol{"*", Op::Multiply},
    Symbol{"/", Op::Divide},
    Symbol{"%", Op::Modulo}};

bool is_word(char symbol) {
  return std::isalnum(static_cast<unsigned char>(symbol)) != 0 || symbol == '_';
}

bool is_digit(char symbol) {
  return std::isdigit(static_cast<unsigned char>(symbol)) != 0;
}

NodePtr inner(Op op, std::vector<NodePtr> operands) {
  return std::make_shared<Expression::Term>(
      Expression::Term{{}, op, std::move(operands)});
}

template <typename Leaf>
NodePtr leaf_node(Leaf leaf) {
  return std::make_shared<Expression::Term>(
      Expression::Term{std::move(leaf), {}, {}});
}

/// Reads one expression by recursive descent, lowest precedence first.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  NodePtr whole() {
    if (text_.size() > kLongestText) {
      throw input_error(
          "an expression of " + std::to_string(text_.size()) +
          " characters is too long; the limit is " +
          std::to_string(kLongestText));
    }
    NodePtr node = disjunction();
    if (position_ != text_.size()) {
      fail("unexpected '" + std::string(text_.substr(position_, 1)) + "'");
    }
    return node;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw input_error("'" + std::string(text_) + "': " + what);
  }

  char peek() const {
    return position_ < text_.size() ? text_[position_] : '\0';
  }

  void skip_space() {
    while (peek() == ' ' || peek() == '\n') {
      ++position_;
    }
  }

  bool take(std::string_view symbol) {
    skip_space();
    if (!text_.substr(position_).starts_with(symbol)) {
      return false;
    }
    position_ += symbol.size();
    skip_space();
    return true;
  }

  /// Accepts a whole word: "or", but not the beginning of "order".
  bool take_word(std::string_view word) {
    skip_space();
    const std::string_view rest = text_.substr(position_);
    if (!rest.starts_with(word) ||
        (rest.size() > word.size() && is_word(rest[word.size()]))) {
      return false;
    }
    position_ += word.size();
    skip_space();
    return true;
  }

  void expect(std::string_view symbol) {
    if (!take(symbol)) {
      fail("expected '" + std::string(symbol) + "'");
    }
  }

  NodePtr disjunction() {
    if (++nesting_ > kMaxNesting) {
      fail("nested too deeply");
    }
    NodePtr left = conjunction();
    while (take_word("or")) {
      left = inner(Op::Or, {left, conjunction()});
    }
    --nesting_;
    return left;
  }

  NodePtr conjunction() {
    NodePtr left = negation();
    while (take_word("and")) {
      left = inner(Op::And, {left, negation()});
    }
    return left;
  }

  NodePtr negation() {
    if (take_word("not")) {
      if (++nesting_ > kMaxNesting) {
        fail("nested too deeply");
      }
      NodePtr node = inner(Op::Not, {negation()});
      --nesting_;
      return node;
    }
    return comparison();
  }

  /// "a < b <= c" holds if both comparisons do.
  NodePtr comparison() {
    NodePtr left = bit_or();
    NodePtr all;
    for (auto op = take_any(kComparisons); op; op = take_any(kComparisons)) {
      NodePtr right = bit_or();
      NodePtr one = inner(*op, {left, right});
      all = all ? inner(Op::And, {all, one}) : one;
      left = right;
    }
    return all ? all : left;
  }

  // As in Python, these bind tighter than comparisons.
  NodePtr bit_or() {
    NodePtr left = bit_xor();
    while (take("|")) {
      left = inner(Op::BitOr, {left, bit_xor()});
    }
    return left;
  }

  NodePtr bit_xor() {
    NodePtr left = bit_and();
    while (take("^")) {
      left = inner(Op::BitXor, {left, bit_and()});
    }
    return left;
  }

  NodePtr bit_and() {
    NodePtr left = shift();
    while (take("&")) {
      left = inner(Op::BitAnd, {left, shift()});
    }
    return left;
  }

  NodePtr shift() {
    NodePtr left = sum();
    for (auto op = take_any(kShifts); op; op = take_any(kShifts)) {
      left = inner(*op, {left, sum()});
    }
    return left;
  }

  template <size_t kSize>
  std::optional<Op> take_any(const std::array<Symbol, kSize>& symbols) {
    for (const Symbol& symbol : symbols) {
      const std::string_view rest = text_.substr(position_);
      // "<" and "*" may begin a longer operator ("<<", "**").
      if (symbol.text.size() == 1 && rest.size() > 1 &&
          rest[0] == symbol.text[0] && rest[1] == rest[0] && rest[0] != '-' &&
          rest[0] != '+') {
        continue;
      }
      if (take(symbol.text)) {
        return symbol.op;
      }
    }
    return std::nullopt;
  }

  NodePtr sum() {
    NodePtr left = product();
    for (auto op = take_any(kSums); op; op = take_any(kSums)) {
      left = inner(*op, {left, product()});
    }
    return left;
  }

  NodePtr product() {
    NodePtr left = factor();
    for (auto op = take_any(kProducts); op; op = take_any(kProducts)) {
      left = inner(*op, {left, factor()});
    }
    return left;
  }

  NodePtr factor() {
    if (++nesting_ > kMaxNesting) {
      fail("nested too deeply");
    }
    NodePtr node;
    if (take("-")) {
      node = inner(Op::Negate, {factor()});
    } else {
      take("+");
      node = atom();
      if (take("**")) {
        node = inner(Op::Power, {node, factor()});
      }
    }
    --nesting_;
    return node;
  }

  NodePtr atom() {
    skip_space();
    if (take("(")) {
      NodePtr node = disjunction();
      expect(")");
      return node;
    }
    if (is_digit(peek()) || peek() == '.') {
      return number();
    }
    if (text_.substr(position_).starts_with("L[")) {
      return path();
    }
    return name();
  }

  NodePtr number() {
    const size_t start = position_;
    while (is_digit(peek()) || peek() == '.' || peek() == 'e' ||
           (text_[position_ - 1] == 'e' && (peek() == '-' || peek() == '+'))) {
      ++position_;
    }
    const std::string_view digits = text_.substr(start, position_ - start);
    const char* end = digits.data() + digits.size();
    int64_t whole = 0;
    if (const auto [at, error] = std::from_chars(digits.data(), end, whole);
        error == std::errc() && at == end) {
      return leaf_node(whole);
    }
    double real = 0;
    if (const auto [at, error] = std::from_chars(digits.data(), end, real);
        error == std::errc() && at == end) {
      return leaf_node(real);
    }
    fail("'" + std::string(digits) + "' is not a number");
  }

  /// A symbol, True, False, or a call of a function.
  NodePtr name() {
    const size_t start = position_;
    while (is_word(peek()) || peek() == '.') {
      ++position_;
    }
    const std::string word(text_.substr(start, position_ - start));
    if (word.empty()) {
      fail(
          position_ == text_.size()
              ? "unexpected end"
              : "unexpected '" + std::string(1, peek()) + "'");
    }
    if (take("(")) {
      return call(word);
    }
    if (word == "True" || word == "False") {
      return leaf_node(int64_t{word == "True" ? 1 : 0});
    }
    return leaf_node(word);
  }

  NodePtr call(const std::string& word) {
    const ExpressionFunction* function = try_find_function(word);
    if (function == nullptr) {
      fail("unknown function '" + word + "'");
    }
    std::vector<NodePtr> operands;
    if (!take(")")) {
      do {
        operands.push_back(disjunction());
      } while (take(","));
      expect(")");
    }
    const auto count = static_cast<int>(operands.size());
    if (count < function->min_operands || count > function->max_operands) {
      fail("wrong number of arguments for '" + word + "'");
    }
    return inner(function->op, std::move(operands));
  }

  /// "L['x']['a'].size()[0]": brackets, attributes and empty calls.
  NodePtr path() {
    const size_t start = position_++;
    while (true) {
      if (peek() == '[') {
        const size_t end = closing_bracket();
        position_ = end + 1;
      } else if (text_.substr(position_).starts_with("()")) {
        position_ += 2;
      } else if (peek() == '.') {
        ++position_;
        while (is_word(peek())) {
          ++position_;
        }
      } else {
        break;
      }
    }
    return leaf_node(std::string(text_.substr(start, position_ - start)));
  }

  size_t closing_bracket() const {
    size_t at = position_ + 1;
    if (at < text_.size() && (text_[at] == '\'' || text_[at] == '"')) {
      at = text_.find(text_[at], at + 1);
    }
    const size_t end = at == std::string_view::npos ? at : text_.find(']', at);
    if (end == std::string_view::npos) {
      fail("a '[' isn't closed");
    }
    return end;
  }

  std::string_view text_;
  size_t position_ = 0;
  int nesting_ = 0;
};

}  // namespace

Expression Expression::parse(std::string_view text) {
  Expression out;
  out.text_ = std::string(text);
  out.root_ = Parser(out.text_).whole();
  return out;
}

}  // namespace pp::ir
