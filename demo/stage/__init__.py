# SPDX-License-Identifier: Apache-2.0
"""What demo/record is made of: the network (net), the roles (cast), the hands that type (typist), the plot (play)."""
