"""How far can this network's prediction be trusted?"""
