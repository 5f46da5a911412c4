#pragma once
// Asked for by ProcessGroupGloo.hpp, which needs nothing of it.
