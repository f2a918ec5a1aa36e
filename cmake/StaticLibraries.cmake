# StaticLibraries: what native code links, always static and always by its full path,
# so that no shared OpenSSL, zlib or libwebsockets of the machine (or of node) can take its place.
#
#   fanwire::openssl  libssl.a and libcrypto.a of libssl-dev
#   fanwire::zlib     libz.a of zlib1g-dev
#   fanwire::lws      libwebsockets 4.3.5, built in this build folder (made on first use)
include(ExternalProject)
find_package(Threads REQUIRED)

function(fanwire_static_library variable file header package)
  find_library(${variable} ${file})
  find_path(${variable}_HEADERS ${header})
  if(NOT ${variable} OR NOT ${variable}_HEADERS)
    fanwire_stop("${file} or ${header} is missing: run scripts/setup, or install ${package}.")
  endif()
endfunction()

fanwire_static_library(FANWIRE_LIBSSL libssl.a openssl/ssl.h libssl-dev)
fanwire_static_library(FANWIRE_LIBCRYPTO libcrypto.a openssl/evp.h libssl-dev)
fanwire_static_library(FANWIRE_LIBZ libz.a zlib.h zlib1g-dev)

add_library(fanwire_openssl INTERFACE)
target_link_libraries(fanwire_openssl INTERFACE ${FANWIRE_LIBSSL} ${FANWIRE_LIBCRYPTO} Threads::Threads ${CMAKE_DL_LIBS})
add_library(fanwire::openssl ALIAS fanwire_openssl)

add_library(fanwire_zlib INTERFACE)
target_link_libraries(fanwire_zlib INTERFACE ${FANWIRE_LIBZ})
add_library(fanwire::zlib ALIAS fanwire_zlib)

# Defines fanwire::lws; called by the layer that uses it, so that a build without that layer fetches nothing.
function(fanwire_use_libwebsockets)
  if(FANWIRE_LWS_SOURCE_DIR)
    set(source ${FANWIRE_LWS_SOURCE_DIR})
    if(NOT EXISTS ${source}/lib/core-net/adopt.c)
      fanwire_stop("FANWIRE_LWS_SOURCE_DIR=${source} holds no lib/core-net/adopt.c: name the top folder of an unpacked libwebsockets 4.3.5.")
    endif()
  else()
    execute_process(
      COMMAND ${CMAKE_SOURCE_DIR}/cmake/fetch_libwebsockets
      OUTPUT_VARIABLE source OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE result)
    if(NOT result EQUAL 0)
      message(FATAL_ERROR "There is no libwebsockets source; the line above says what to do.")
    endif()
    # A changed patch makes a new tree.
    file(GLOB patches CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/patches/*.patch)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/fetch_libwebsockets ${patches})
  endif()

  set(build ${CMAKE_BINARY_DIR}/libwebsockets)
  set(library ${build}/lib/libwebsockets.a)
  ExternalProject_Add(libwebsockets
    SOURCE_DIR ${source}
    BINARY_DIR ${build}
    PREFIX ${CMAKE_BINARY_DIR}/libwebsockets-steps
    CMAKE_ARGS
      --fresh  # the source folder changes with the patches
      -DCMAKE_BUILD_TYPE=Release
      -DCMAKE_C_COMPILER=${CMAKE_C_COMPILER}
      -DCMAKE_C_FLAGS=${FANWIRE_LWS_C_FLAGS}
      -DCMAKE_POSITION_INDEPENDENT_CODE=ON
      -C ${CMAKE_SOURCE_DIR}/cmake/libwebsockets-options.cmake
    BUILD_COMMAND ${CMAKE_COMMAND} --build ${build} --target websockets
    INSTALL_COMMAND ""
    BUILD_BYPRODUCTS ${library}
    EXCLUDE_FROM_ALL ON
    LOG_CONFIGURE ON
    LOG_BUILD ON
    LOG_OUTPUT_ON_FAILURE ON)

  file(MAKE_DIRECTORY ${build}/include)
  add_library(fanwire_lws INTERFACE)
  add_dependencies(fanwire_lws libwebsockets)
  # An -isystem folder is searched before /usr/include: the headers of an installed libwebsockets are never seen.
  target_include_directories(fanwire_lws SYSTEM INTERFACE ${build}/include)
  target_link_libraries(fanwire_lws INTERFACE ${library} fanwire::openssl)
  add_library(fanwire::lws ALIAS fanwire_lws)
endfunction()
