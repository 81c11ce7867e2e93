# Builds llama.cpp for tests: what counts is how soon it is compiled, not how fast it infers.
# Loaded by CMAKE_PROJECT_INCLUDE; the flags below come after the global -O0, and the last -O counts.

function(agon_quick_build)
    # The arithmetic stays optimised: a few files, and all of the running time.
    foreach(target ggml ggml-base ggml-cpu)
        target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-O1>)
    endforeach()
    # One small file per model architecture, each of which parses the same headers.
    set_target_properties(llama PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 16)
    # Templates that nearly every file of these instantiates.
    foreach(target llama-common server-context llama-server-impl)
        target_precompile_headers(${target} PRIVATE
            <nlohmann/json.hpp> <algorithm> <functional> <map> <memory> <regex> <sstream> <string>
            <unordered_map> <vector>)
    endforeach()
endfunction()

if(CMAKE_CURRENT_SOURCE_DIR STREQUAL CMAKE_SOURCE_DIR)
    cmake_language(DEFER CALL agon_quick_build)
endif()
