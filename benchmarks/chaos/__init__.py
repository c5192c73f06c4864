"""Users who ask a server for results while its processes, its disk, its network and its clock fail: is anything lost?

python -m benchmarks.chaos --minutes 20 --users 10 --every 30
"""
