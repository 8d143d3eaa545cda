"""VPN profiles: what they say, and the programs that keep them. It decides nothing by itself."""
