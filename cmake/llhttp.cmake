# llhttp comes as C sources (Debian's node-llhttp), which become part of cap_http: strict, and
# without our warnings, for they are not ours to change.
find_path(LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp)
find_path(LLHTTP_INCLUDE_DIR llhttp.h PATHS /usr/share/include/llhttp)
if(NOT LLHTTP_SOURCE_DIR OR NOT LLHTTP_INCLUDE_DIR)
  message(FATAL_ERROR "The sources of llhttp are missing (Debian: node-llhttp). Run `make deps`.")
endif()
add_library(llhttp OBJECT ${LLHTTP_SOURCE_DIR}/api.c ${LLHTTP_SOURCE_DIR}/http.c
  ${LLHTTP_SOURCE_DIR}/llhttp.c)
target_compile_options(llhttp PRIVATE -w)
target_compile_definitions(llhttp PUBLIC LLHTTP_STRICT_MODE=1)
target_include_directories(llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE_DIR})
target_sources(cap_http PRIVATE $<TARGET_OBJECTS:llhttp>)
target_include_directories(cap_http SYSTEM PUBLIC ${LLHTTP_INCLUDE_DIR})
