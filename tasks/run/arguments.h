// Options: what a command can be told, on the command line and in a file; --help. Each option is bound to a variable,
// whose value before parse() is its default.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace run {

// What an option is bound to, as texts.
struct Binding {
  std::string type;                                  // for --help: TEXT, INT, UINT, FLOAT; empty: a flag
  bool list = false;                                 // takes any number of values
  std::function<std::vector<std::string>()> values;  // those it has now, one each
  std::function<std::string(const std::vector<std::string>&)> assign;  // what is wrong with the values; empty: nothing
};

// One option; declared by Options::add().
class Option {
 public:
  using Check = std::function<std::string(const std::string& value)>;  // what is wrong with a value; empty: nothing

  Option& group(const std::string& name);  // its heading in --help
  Option& required();
  Option& positive();
  Option& not_negative();
  Option& between(double low, double high);
  Option& one_of(const std::vector<std::string>& names);  // Error: ... (did you mean ...?)
  Option& check(Check check);
  Option& delimiter(char c);                   // one value holds several: 1,5,20
  Option& excludes(const std::string& other);  // they are not given together
  // It means something only where `other` has one of these values, or of a list holds one; without values: where
  // `other` is given. Of several calls one is enough; a command that has none of the others always reads it.
  // check_used() refuses it elsewhere.
  Option& only_with(const std::string& other, const std::vector<std::string>& values = {});
  // Its values name files, FILE or LABEL=FILE, and --help says FILE. No command writes what it reads, or twice.
  Option& reads();
  Option& writes();
  Option& hide_default();  // --help does not show it
  Option& not_saved();     // stays out of options.ini

  const std::string& name() const { return name_; }

 private:
  friend class Options;
  Option(std::string name, std::string help, Binding binding);
  struct With {
    std::string other;
    std::vector<std::string> values;
  };
  bool flag() const { return binding_.type.empty(); }
  bool positional() const { return !name_.starts_with("-"); }
  void assign();                // usage error
  std::string summary() const;  // --epochs FLOAT=5
  Option& number_that(const std::string& must, const std::string& label, std::function<bool(double)> holds);

  std::string name_, help_, group_, labels_;
  Binding binding_;
  std::vector<Check> checks_;
  std::vector<std::string> excludes_, given_, defaults_;
  std::vector<With> only_with_;
  char delimiter_ = 0;
  bool is_given_ = false, required_ = false, shows_default_ = true, saved_ = true, reads_ = false, writes_ = false;
};

class Options {
 public:
  Options(std::string command, std::string summary);  // "sentiment train"
  Options(const Options&) = delete;

  // "--name", or "NAME" for an argument by its place. T: bool (a flag), string, int, long, uint64_t, double, an
  // optional or a vector of one of them.
  template <class T>
  Option& add(const std::string& name, T& variable, const std::string& help);
  void take_texts() { takes_texts_ = true; }  // other arguments are texts, taken as they are
  void footer(std::string text) { footer_ = std::move(text); }

  // Takes the command line, then what it does not say from the file in --config; sets the variables. Wrong usage leaves
  // with status 2, --help with 0. Error: what is to be written is a file that is read, or is to be written twice.
  void parse(int argc, const char* const* argv);
  // The same from a file in the form of options.ini: what has been given already stays. Error: FILE:LINE: ...
  void read_file(const std::string& path);
  // The same from another source, one option at a time. False: it has been given already. Error: --name: ...
  bool set(const std::string& name, const std::vector<std::string>& values);

  // What a program decided where it was left open, or where the value given stands for that ("auto"): as if given.
  void decide(const std::string& name, const std::string& value);

  // Usage error: an option is given, with another value than its default, that nothing reads beside the others. A
  // command does so after it has parsed; one that sets others after that calls it itself, and says so before.
  void check_used() const;
  void check_used_later() { checks_later_ = true; }
  bool checks_later() const { return checks_later_; }

  // Gives what has been given here to another command, as far as it has these options and nobody has given them there.
  void pass_on(Options& to) const;

  bool given(const std::string& name) const;  // by any of these
  std::vector<std::string> names() const;     // "--epochs", ...: of what a file may hold, in the order of add()
  std::vector<std::string> given_names() const;
  const std::vector<std::string>& texts() const { return texts_; }
  std::string help() const;
  // For options.ini: lines `name=value` of all that have a value. read_file() brings back exactly these values.
  std::string effective() const;
  std::string given_lines() const;  // the same of what has been given: what is left open stays open

 private:
  Option& declare(const std::string& name, const std::string& help, Binding binding);
  Option* find(const std::string& name);
  const Option* find(const std::string& name) const { return const_cast<Options*>(this)->find(name); }
  void take_words(const std::vector<std::string>& words);
  size_t take_option(const std::vector<std::string>& words, size_t at);
  void take_argument(const std::string& word, bool after_dashes);
  void check_given() const;
  void check_files() const;
  bool of_use(const Option::With& with) const;
  [[noreturn]] void unknown(const std::string& name) const;

  std::string command_, summary_, footer_, config_;
  std::deque<Option> options_;  // references to them stay valid
  std::vector<std::string> texts_;
  bool takes_texts_ = false, checks_later_ = false;
};

}  // namespace run
