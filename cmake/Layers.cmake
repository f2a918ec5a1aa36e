# Layers: one static library per layer of native/src; docs/architecture.md tells what each is for.

# fanwire_add_layer(<name> [<library>...]): fanwire_<name> from native/src/<name>, with what it may use.
# A layer that has no source yet is an empty interface, so that those above it can name it.
function(fanwire_add_layer name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/native/src/${name}/*.cc)
  if(sources)
    add_library(fanwire_${name} STATIC ${sources})
    set(scope PUBLIC)
    target_link_libraries(fanwire_${name} PRIVATE fanwire_flags)
  else()
    add_library(fanwire_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(fanwire_${name} ${scope} ${CMAKE_SOURCE_DIR}/native/include ${CMAKE_SOURCE_DIR}/native/src)
  target_link_libraries(fanwire_${name} ${scope} ${ARGN})
endfunction()
