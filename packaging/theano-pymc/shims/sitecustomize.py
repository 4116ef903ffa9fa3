"""Loaded first by every Python that takes part in building Theano-PyMC.

Theano-PyMC's `versioneer.py` of 2018 reads `setup.cfg` by a class and a method that
left `configparser` with Python 3.12. Under their present names they are there still.
"""

import configparser

configparser.SafeConfigParser = configparser.ConfigParser
configparser.ConfigParser.readfp = configparser.ConfigParser.read_file
