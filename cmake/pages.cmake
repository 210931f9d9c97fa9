# pages.cmake - the files of a folder of pages become one C file, so that the program needs no other.
# Run as a script: cmake -DSOURCE=... -DOUTPUT=... -P pages.cmake
file(GLOB FILES ${SOURCE}/*.html ${SOURCE}/*.css ${SOURCE}/*.svg)
list(SORT FILES)
set(TEXT "/* Made from pages/ by cmake/pages.cmake. */\n#include \"accounts/adaptation/page.h\"\n")
set(TABLE "")
set(COUNT 0)
foreach(FILE ${FILES})
  get_filename_component(NAME ${FILE} NAME)
  file(READ ${FILE} HEX HEX)
  string(REGEX REPLACE "(..)" "0x\\1," BYTES "${HEX}")
  string(APPEND TEXT "static const char file_${COUNT}[] = {${BYTES}0};\n")
  string(APPEND TABLE "    {\"${NAME}\", {file_${COUNT}, sizeof file_${COUNT} - 1}},\n")
  math(EXPR COUNT "${COUNT} + 1")
endforeach()
string(APPEND TEXT "const struct page_file page_files[] = {\n${TABLE}};\n"
  "const size_t page_file_count = ${COUNT};\n")
file(WRITE ${OUTPUT} "${TEXT}")
