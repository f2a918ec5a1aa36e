# Addon: fanwire.node, the whole engine in one file that needs nothing but libc.
set(node_modules ${CMAKE_SOURCE_DIR}/node_modules)
if(NOT EXISTS ${node_modules}/node-addon-api/napi.h OR NOT EXISTS ${node_modules}/node-api-headers/include/node_api.h)
  fanwire_stop("The Node-API headers are missing: run npm ci in ${CMAKE_SOURCE_DIR}.")
endif()

file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/binding/*.cc)
if(NOT sources)
  return()
endif()
add_library(fanwire_addon MODULE ${sources})
set_target_properties(fanwire_addon PROPERTIES
  PREFIX "" OUTPUT_NAME fanwire SUFFIX .node
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
target_include_directories(fanwire_addon PRIVATE ${CMAKE_SOURCE_DIR}/binding)
target_include_directories(fanwire_addon SYSTEM PRIVATE ${node_modules}/node-addon-api ${node_modules}/node-api-headers/include)
# A Worker may be stopped in the midst of a call: what cannot be thrown there any more is dropped, not the process.
target_compile_definitions(fanwire_addon PRIVATE
  NAPI_VERSION=8 NODE_ADDON_API_DISABLE_DEPRECATED NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS)
target_link_libraries(fanwire_addon PRIVATE fanwire_flags fanwire_engine)

# Node exports its own OpenSSL, zlib and libuv: everything of ours stays hidden and bound to itself.
# nodelete keeps the code of live threads mapped when the process exits or a Worker ends.
target_link_options(fanwire_addon PRIVATE
  -Wl,--exclude-libs,ALL -Wl,-Bsymbolic -Wl,--gc-sections -Wl,-z,nodelete -Wl,-z,relro -Wl,-z,now -Wl,--as-needed)
if(NOT FANWIRE_SANITIZE)
  target_link_options(fanwire_addon PRIVATE -static-libstdc++ -static-libgcc)
  add_custom_command(TARGET fanwire_addon POST_BUILD
    COMMAND ${CMAKE_SOURCE_DIR}/scripts/check_symbols $<TARGET_FILE:fanwire_addon> VERBATIM)
endif()
