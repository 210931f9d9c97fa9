# migrations.cmake - migrations/*/NNN_name.{up,down}.sql become one C file, so that the program needs
# no other. Run as a script: cmake -DSOURCE=... -DOUTPUT=... -P migrations.cmake
cmake_policy(SET CMP0007 NEW)

# A text as a comma-separated list of bytes with a closing NUL.
function(bytes_of FILE VARIABLE)
  file(READ ${FILE} HEX HEX)
  string(REGEX REPLACE "(..)" "0x\\1," BYTES "${HEX}")
  set(${VARIABLE} "${BYTES}0" PARENT_SCOPE)
endfunction()

set(TEXT "/* Made from migrations/ by cmake/migrations.cmake. */\n#include \"storage/realization/migrate.h\"\n")
foreach(DIALECT sqlite postgres)
  file(GLOB UPS ${SOURCE}/migrations/${DIALECT}/*.up.sql)
  list(SORT UPS)
  set(TABLE "")
  set(COUNT 0)
  foreach(UP ${UPS})
    math(EXPR COUNT "${COUNT} + 1")
    string(REPLACE ".up.sql" ".down.sql" DOWN ${UP})
    get_filename_component(FILE_NAME ${UP} NAME)
    string(REGEX MATCH "^([0-9][0-9][0-9])_([a-z0-9_]+)\\.up\\.sql$" MATCHED ${FILE_NAME})
    set(NAME ${CMAKE_MATCH_2}) # before the next regex forgets it
    string(REGEX REPLACE "^0+" "" VERSION "${CMAKE_MATCH_1}")
    if(NOT VERSION EQUAL COUNT OR NOT EXISTS ${DOWN})
      message(FATAL_ERROR "${UP}: versions count 001, 002, ..., and each has an .up.sql and a .down.sql")
    endif()
    bytes_of(${UP} UP_BYTES)
    bytes_of(${DOWN} DOWN_BYTES)
    string(APPEND TEXT "static const char ${DIALECT}_${VERSION}_up[] = {${UP_BYTES}};\n"
      "static const char ${DIALECT}_${VERSION}_down[] = {${DOWN_BYTES}};\n")
    string(APPEND TABLE "    {${VERSION}, \"${NAME}\", ${DIALECT}_${VERSION}_up, ${DIALECT}_${VERSION}_down},\n")
  endforeach()
  string(APPEND TEXT "static const struct migration ${DIALECT}_migrations[] = {\n${TABLE}};\n")
  set(${DIALECT}_COUNT ${COUNT})
endforeach()
if(NOT sqlite_COUNT EQUAL postgres_COUNT)
  message(FATAL_ERROR "migrations/: ${sqlite_COUNT} for SQLite and ${postgres_COUNT} for PostgreSQL")
endif()
string(APPEND TEXT "const struct migration_set migrations_built_in = {\n"
  "    {[SQL_SQLITE] = sqlite_migrations, [SQL_POSTGRES] = postgres_migrations}, ${sqlite_COUNT}};\n")
file(WRITE ${OUTPUT} "${TEXT}")
