# meta_schemas.cmake - the meta-schemas of JSON Schema as a text in the program.
# Run as a script: cmake -DSOURCE=... -DOUTPUT=... -P meta_schemas.cmake
file(READ ${SOURCE} HEX HEX)
string(REGEX REPLACE "(..)" "0x\\1," BYTES "${HEX}")
file(WRITE ${OUTPUT} "/* Made from meta_schemas.json by cmake/meta_schemas.cmake. */\n"
  "extern const char json_meta_schemas[];\nconst char json_meta_schemas[] = {${BYTES}0};\n")
