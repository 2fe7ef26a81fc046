# cmake -DOUT=file.cpp "-DFILES=a|b" -P embed.cmake: a source file that holds the texts of files, for
# lab::embedded_file(name) (scenarios/export/python_file.hpp).
string(REPLACE "|" ";" files "${FILES}")
set(entries "")
foreach(file IN LISTS files)
  get_filename_component(name "${file}" NAME)
  file(READ "${file}" text)
  string(APPEND entries "    {\"${name}\", R\"~~~(${text})~~~\"},\n")
endforeach()
file(WRITE "${OUT}" "#include \"scenarios/export/python_file.hpp\"

#include <cassert>

namespace lab {

namespace {

struct Embedded {
  std::string_view name, text;
};
constexpr Embedded kFiles[] = {
${entries}};

}  // namespace

std::string embedded_file(std::string_view name) {
  for (const Embedded& file : kFiles) {
    if (file.name == name) return std::string(file.text);
  }
  assert(false);
  return {};
}

}  // namespace lab
")
