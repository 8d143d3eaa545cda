$Secret = "never-written-anywhere"
New-LocalUser admin
