import AsyncHTTPClient
import Subprocess
import Yams
