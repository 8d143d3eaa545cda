#!/bin/sh
journalctl --since yesterday
