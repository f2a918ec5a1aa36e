# CompileFlags: fanwire_flags, the warnings and sanitizers of our own code.

# Debug builds are run, not stepped through: tests under sanitizers need some optimization.
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g -fno-omit-frame-pointer")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g -fno-omit-frame-pointer")

add_library(fanwire_flags INTERFACE)
target_compile_options(fanwire_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wcast-align -Woverloaded-virtual
  -ffunction-sections -fdata-sections)
if(FANWIRE_WERROR)
  target_compile_options(fanwire_flags INTERFACE -Werror)
endif()

set(FANWIRE_LWS_C_FLAGS "-ffunction-sections -fdata-sections -fvisibility=hidden")
if(FANWIRE_SANITIZE)
  target_compile_options(fanwire_flags INTERFACE -fsanitize=${FANWIRE_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(fanwire_flags INTERFACE -fsanitize=${FANWIRE_SANITIZE})
  if(FANWIRE_SANITIZE MATCHES undefined)
    # The vptr check probes memory through a pipe, and so fails on good objects at the limit of descriptors.
    target_compile_options(fanwire_flags INTERFACE -fno-sanitize=vptr)
  endif()
  # libwebsockets is watched for races and bad memory; its own undefined behaviour is not ours to fail on.
  string(REGEX REPLACE ",?undefined" "" lws_sanitize ${FANWIRE_SANITIZE})
  string(APPEND FANWIRE_LWS_C_FLAGS " -fsanitize=${lws_sanitize} -fno-omit-frame-pointer")
else()
  target_compile_options(fanwire_flags INTERFACE $<$<CONFIG:RelWithDebInfo>:-fstack-protector-strong>)
  target_compile_definitions(fanwire_flags INTERFACE $<$<CONFIG:RelWithDebInfo>:_FORTIFY_SOURCE=2>)
endif()
